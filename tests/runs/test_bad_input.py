"""Bad input: exit status 1, a message that says where, nothing pushed, what was pushed before untouched."""

import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from data import taxi
from pipelines.runs import Runs
from tests.runs.conftest import History
from tests.runs.in_process import run_here
from tests.runs.project import Finished, Project, files

pytestmark = [pytest.mark.pipeline, pytest.mark.one_stack]

Rows = list[dict[str, str]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bench:
    """A project with a pushed model, on which one bad input after the other is tried."""

    project: Project
    directory: Path  # for data
    pushed: dict[str, bytes]  # files below the serving folder

    def refuses(self, data: Path, node: str | None, *words: str) -> Finished:
        """Runs on `data` and checks how it ends.

        Args:
            data: what `--data` gets.
            node: the one that fails; None when the run does not get to the first.
            *words: what the terminal and the summary both say.
        """
        run = run_here(self.project.var, "--data", str(data))
        assert run.status == 1, run.told()
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
    project = history.project
    project.restore(history.saved)
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
    bench.refuses(bench.directory / "empty", None, "empty: no file to read in this folder")


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


def test_rows_that_break_the_contract(bench: Bench, table: list[str]) -> None:
    """A column is missing, another is too many, a third is out of its domain: each is named."""
    rows = [row | {"shoe": "9", "age": "400"} for row in csv.DictReader(table)]
    for row in rows:
        del row["bmi"]
    run = bench.refuses(
        _written(bench.directory / "broken.csv", rows),
        "AnomalyGate",
        "schema.pbtxt",
        "bmi (train)",
        "shoe (train)",
        "age (train)",
        "120",
    )
    (gate,) = (gate for gate in run.summary["gates"] if gate["gate"] == "AnomalyGate")
    assert gate["passed"] is False
    for column in ("bmi", "shoe", "age"):
        assert any(f"{column} (train)" in reason for reason in gate["reasons"]), gate


def test_trips_without_fare_and_mostly_of_an_unknown_payment_type(tmp_path: Path) -> None:
    with taxi.packaged_file().open() as file:
        trips = list(csv.DictReader(file))[::10]
    for number, trip in enumerate(trips):
        del trip["fare"]
        if number < len(trips) * 6 // 10:
            trip["payment_type"] = "Barter"
    data = _written(tmp_path / "trips.csv", trips)
    run = run_here(tmp_path / "var", "--data", str(data), task="taxi")
    assert run.states["AnomalyGate"] == "failed", run.told()
    for word in ("fare (train)", "payment_type (train)", "Barter"):
        assert word in run.terminal
        assert word in run.summary["error"]


def test_own_data_in_a_folder_of_two_files(bench: Bench, table: list[str], tmp_path: Path) -> None:
    header, *rows = table
    for name, part in (("a.csv", rows[:200]), ("b.csv", rows[200:])):
        (tmp_path / name).write_bytes(_bytes([header, *part]))
    run = run_here(bench.project.var, "--data", str(tmp_path), upto="ExampleGen")
    assert (run.ran, run.summary["error"]) == ({"ExampleGen"}, None)
    assert run.summary["data"] == str(tmp_path)
    assert run.summary["rows"] == {"train": 290, "eval": 152}
    data = Runs(bench.project.var).open(run.summary["run_id"]).lineage().data
    assert data is not None
    assert data.files == [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]


def _bytes(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _written(path: Path, rows: Rows) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
