"""The table and the JSON of a comparison."""

import io
import json
import math
from pathlib import Path

from rich.console import Console

from pipelines.evaluation.bootstrap import Interval
from pipelines.evaluation.measures import measures_of
from pipelines.experiments import record
from pipelines.search.comparison import CandidateScore
from pipelines.search.trainings import Training
from pipelines.task_definition.problem import BINARY


def compared(auc: float, loss: float, chance: float) -> dict[str, CandidateScore]:
    return {
        name: CandidateScore(
            expected=Interval(value=value, low=value - 0.01, high=value + 0.01), chance_best=chance, change=None
        )
        for name, value in (("auc", auc), ("binary_crossentropy", loss))
    }


DONE = [Training(number=number, seconds=2.0 + number, parameters=1234) for number in range(2)]
LATE = Training(number=0, seconds=9.0, failure="out of time")


def test_the_best_come_first_and_what_could_not_be_compared_last() -> None:
    shown = io.StringIO()
    found = {"worse": compared(0.8, 0.5, 0.25), "better": compared(0.9, 0.4, 0.75)}
    record.print_table(
        Console(file=shown), measures_of(BINARY), found, {"gone": [LATE, LATE], "worse": DONE, "better": [*DONE, LATE]}
    )
    rows = [" ".join(line.split()) for line in shown.getvalue().splitlines()[1:]]
    assert rows == [
        "better 0.9000 (0.8900 to 0.9100) 0.4000 (0.3900 to 0.4100) 75% 2.5 s 1,234 2/3",
        "worse 0.8000 (0.7900 to 0.8100) 0.5000 (0.4900 to 0.5100) 25% 2.5 s 1,234 2/2",
        "gone – – – – – 0/2",
    ]


def test_each_reason_is_told_once() -> None:
    other = Training(number=1, seconds=0.0, failure="nan")
    assert record.describe_failures("a", [LATE, other, LATE, DONE[0]]) == [
        "a: 2 of 4 trainings: out of time",
        "a: 1 of 4 trainings: nan",
    ]


def test_what_is_no_number_is_null(tmp_path: Path) -> None:
    record.write_json(tmp_path / "record.json", {"a": [math.nan, 1.5, None], "b": {"c": math.inf}})
    assert json.loads((tmp_path / "record.json").read_text()) == {"a": [None, 1.5, None], "b": {"c": None}}
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]
