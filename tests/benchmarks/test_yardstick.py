"""The table of the yardstick benchmark, and the rows that its tasks are made of."""

import csv
import io
from pathlib import Path

from rich.console import Console

from benchmarks.yardstick.__main__ import print_table
from benchmarks.yardstick.data_sets import NEW_TASKS


def test_a_line_for_each_measure_with_the_interval_of_the_difference() -> None:
    measure = {
        "name": "log loss", "word": "worse", "ours": {"value": 0.25}, "best": {"value": 0.125},
        "difference": {"value": 0.125, "low": 0.0625, "high": 1234.5},
    }  # fmt: skip
    shown = io.StringIO()
    print_table(
        [{"task": "wine", "rows": 5200, "best": "linear", "measures": [measure]}], Console(file=shown, width=150)
    )
    (line,) = [line for line in shown.getvalue().splitlines() if "wine" in line]
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    expected = ["wine", "5,200", "log loss", "0.2500", "linear", "0.1250", "0.1250 (0.0625 to 1,234.5)", "worse"]
    assert cells == expected


def test_every_task_has_its_label_and_the_fares_have_no_tips(tmp_path: Path) -> None:
    headings = {}
    for name, (write_rows, label) in NEW_TASKS.items():
        with write_rows(tmp_path).open(newline="") as file:
            headings[name] = next(csv.reader(file))
        assert label in headings[name]
    assert "tips" not in headings["fare"]
    assert len(headings["fare"]) == 17
