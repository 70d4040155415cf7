"""Bad input: exit status 1, a message that says where, nothing pushed, what was pushed before untouched."""

import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from data import taxi
from tests.runs.conftest import History
from tests.runs.project import DIABETES, Finished, Project, files

pytestmark = [pytest.mark.pipeline, pytest.mark.one_stack]

Rows = list[dict[str, str]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bench:
    """A project with a pushed model, on which one bad input after the other is tried."""

    project: Project
    directory: Path  # for data
    pushed: dict[str, bytes]  # files below the serving folder

    def refuses(self, data: Path, node: str | None, *words: str, task: str = DIABETES) -> Finished:
        """Runs on `data` and checks how it ends.

        Args:
            data: what `--data` gets.
            node: the one that fails; None when the run does not get to the first.
            *words: what the terminal and the summary both say.
            task: the task.
        """
        run = self.project.run("--data", str(data), task=task)
        assert run.status == 1, run.told()
        assert run.stderr == ""
        assert run.summary["status"] == "failed"
        failed = [name for name, state in run.states.items() if state == "failed"]
        assert failed == [node] * (node is not None), run.told()
        for word in words:
            assert word in run.terminal, run.told()
            assert word in run.summary["error"]
        assert run.summary["pushed"] is None
        assert files(self.project.var / "serving") == self.pushed
        return run


@pytest.fixture(scope="module")
def bench(history: History, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Shared: a run that fails leaves nothing that the next one could be disturbed by."""
    project = history.project.restored(history.saved)
    return Bench(
        project=project,
        directory=tmp_path_factory.mktemp("data"),
        pushed=files(project.var / "serving"),
    )


@pytest.fixture
def table(bench: Bench) -> list[str]:
    """The good lines, header first."""
    return (bench.project.var / "data" / "diabetes" / "patients.csv").read_text().splitlines()


def test_a_path_that_does_not_exist(bench: Bench) -> None:
    bench.refuses(bench.directory / "nothing.csv", None, "nothing.csv: no such file or folder")


def test_an_empty_folder(bench: Bench) -> None:
    (bench.directory / "empty").mkdir()
    bench.refuses(bench.directory / "empty", None, "empty: no CSV file in this folder")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(lambda lines: b"", ["the file is empty"], id="empty file"),
        pytest.param(lambda lines: _bytes(lines[:1]), ["a header and no rows"], id="header only"),
        pytest.param(
            lambda lines: _bytes([*lines[:7], "x" + lines[7], *lines[8:]]),
            ["line 8, column `age`", "expected FLOAT", "received 'x"],
            id="text in a numeric column",
        ),
        pytest.param(
            lambda lines: _bytes(lines[:5]) + b"\xff" + _bytes(lines[5:]), ["line 6", "UTF-8"], id="broken encoding"
        ),
        pytest.param(
            lambda lines: _bytes([*lines[:9], lines[9] + ",1", *lines[10:]]),
            ["line 10: expected 11 cells", "received 12"],
            id="ragged line",
        ),
    ],
)
def test_a_file_that_cannot_be_read(
    bench: Bench, table: list[str], spoil: Callable[[list[str]], bytes], words: list[str]
) -> None:
    path = bench.directory / "spoilt.csv"
    path.write_bytes(spoil(table))
    bench.refuses(path, "ExampleGen", "spoilt.csv", *words)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(
            lambda rows: [{name: cell for name, cell in row.items() if name != "bmi"} for row in rows],
            ["bmi (train)"],
            id="column missing",
        ),
        pytest.param(lambda rows: [row | {"shoe": "9"} for row in rows], ["shoe (train)"], id="column too many"),
        pytest.param(
            lambda rows: [row | {"age": "400"} for row in rows], ["age (train)", "120"], id="out of its domain"
        ),
    ],
)
def test_rows_that_break_the_contract(
    bench: Bench, table: list[str], spoil: Callable[[Rows], Rows], words: list[str]
) -> None:
    data = _written(bench.directory / "broken.csv", spoil(list(csv.DictReader(table))))
    run = bench.refuses(data, "AnomalyGate", "schema.pbtxt", *words)
    (gate,) = (gate for gate in run.summary["gates"] if gate["gate"] == "AnomalyGate")
    assert gate["passed"] is False
    assert any(words[0] in reason for reason in gate["reasons"])


def test_text_in_trip_miles(bench: Bench, trips: Rows) -> None:
    trips[10]["trip_miles"] = "far"
    data = _written(bench.directory / "text.csv", trips)
    bench.refuses(data, "ExampleGen", "text.csv, line 12, column `trip_miles`", "received 'far'", task="taxi")


def test_trips_without_fare(bench: Bench, trips: Rows) -> None:
    for trip in trips:
        del trip["fare"]
    bench.refuses(_written(bench.directory / "fare.csv", trips), "AnomalyGate", "fare (train)", task="taxi")


def test_an_unknown_payment_type_in_most_trips(bench: Bench, trips: Rows) -> None:
    for trip in trips[: len(trips) * 6 // 10]:
        trip["payment_type"] = "Barter"
    data = _written(bench.directory / "payment.csv", trips)
    bench.refuses(data, "AnomalyGate", "payment_type (train)", "Barter", task="taxi")


def test_trips_whose_label_is_all_one_class(bench: Bench, trips: Rows) -> None:
    for trip in trips:
        trip["tips"] = "0"
    data = _written(bench.directory / "tips.csv", trips)
    bench.refuses(data, "Trainer", "label big_tip is 0 in every one of", "expected both 0 and 1", task="taxi")


@pytest.fixture
def trips() -> Rows:
    """Every tenth trip."""
    with taxi.packaged_file().open() as file:
        return list(csv.DictReader(file))[::10]


def _bytes(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _written(path: Path, rows: Rows) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
