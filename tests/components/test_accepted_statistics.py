"""Which statistics the next data is measured against."""

import pytest
from tfx.types import artifact
from tfx.types.standard_artifacts import ExampleStatistics

from components.accepted_statistics import BLESSING, STATISTICS, LatestAcceptedStatistics
from components.artifacts import DataBlessing


def with_id(made: artifact.Artifact, number: int) -> artifact.Artifact:
    made.id = number
    return made


def resolve(statistics: list[int], blessings: dict[int, int]) -> tuple[list[int], list[int]]:
    """Ids of the statistics and the blessing that are picked; `blessings` maps a blessing's id to its statistics'."""
    blessed = [with_id(DataBlessing(), number) for number in blessings]
    for blessing, accepted in zip(blessed, blessings.values(), strict=True):
        blessing.set_int_custom_property(DataBlessing.STATISTICS_ID, accepted)
    known = {STATISTICS: [with_id(ExampleStatistics(), number) for number in statistics], BLESSING: blessed}
    picked = LatestAcceptedStatistics().resolve_artifacts(None, known)
    return [found.id for found in picked[STATISTICS]], [found.id for found in picked[BLESSING]]


@pytest.mark.parametrize(
    ("statistics", "blessings", "expected"),
    [
        ([], {}, ([], [])),
        ([1], {}, ([], [])),
        ([1, 3, 5], {2: 1, 4: 3, 6: 5}, ([5], [6])),
        ([5, 1, 3], {6: 5, 2: 1, 4: 3}, ([5], [6])),
        ([1, 3, 5], {2: 1, 4: 3}, ([3], [4])),
        ([1, 3], {2: 1, 4: 3, 6: 1}, ([1], [6])),
        ([1], {2: 1, 4: 3}, ([1], [2])),
    ],
    ids=[
        "empty store",
        "nothing accepted",
        "newest of all",
        "newest in any order",
        "refused data is no yardstick",
        "accepted again",
        "deleted statistics",
    ],
)
def test_pick(statistics: list[int], blessings: dict[int, int], expected: tuple[list[int], list[int]]) -> None:
    assert resolve(statistics, blessings) == expected
