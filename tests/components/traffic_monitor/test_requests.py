"""Windows whose rows came many to a request, as files of one caller do."""

import numpy as np
import pytest

from components.traffic_monitor.comparison import judge
from components.traffic_monitor.rows import choose_of_requests
from components.traffic_monitor.samples import Column, Sample
from components.traffic_monitor.verdicts import LEVEL
from components.traffic_monitor.window import compare_with_before, compare_with_training

DRAW = np.random.default_rng(4)


def rows(name: str, requests: np.ndarray, alike: float) -> Sample:
    """Rows of one world.

    Args:
        name: of the sample.
        requests: of each row.
        alike: the chance that a row has its request's common value.
    """
    common = requests + DRAW.integers(1 << 30)
    whose = np.where(DRAW.random(len(requests)) < alike, common, (1 << 31) + np.arange(len(requests)))
    columns = []
    for column, ordered in (("rare", False), ("fare", True)):
        _, codes = np.unique(whose, return_inverse=True)
        values = DRAW.choice(50, codes.max() + 1, p=np.geomspace(1, 0.01, 50) / np.geomspace(1, 0.01, 50).sum())[codes]
        columns.append(Column(name=column, ordered=ordered, values=values, present=values % 7 > 0))
    return Sample(name=name, rows=len(requests), columns={one.name: one for one in columns})


@pytest.mark.parametrize("alike", [0, 0.9])
@pytest.mark.parametrize(
    "sizes", [[10] * 100, [500, *[1] * 500], [50] * 10 + [1] * 500], ids=["tens", "one large", "ten large"]
)
def test_requests_of_many_rows_raise_no_false_alarm(sizes: list[int], alike: float) -> None:
    """All rows judged as if each had come by itself, nearly every window of alike rows is an alarm."""
    requests = np.repeat(np.arange(len(sizes)), sizes)
    chosen = np.isin(np.arange(len(requests)), choose_of_requests(requests))
    alarms = 0
    for _ in range(20):
        training = rows("training", np.arange(8000), 0)
        window, before = (rows(name, requests, alike).select(chosen) for name in ("window", "window before"))
        found = compare_with_training(window, before, training, ()) + compare_with_before(window, before, ())
        alarms += any(one.alarm for one in judge(found, LEVEL))
    assert alarms <= 2
