"""kill -9 in the middle of each node, and between a span's verdict and its record; then the ingestion finishes."""

import json
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipelines.ingestion.killed_ingest import QUARANTINE, RECORD
from tests.pipelines.ingestion.quarters import edit, write_quarters
from tests.pipelines.ingestion.test_ingest import Step, look
from tests.runs.in_process import ingest_here
from tests.runs.project import SOURCE, Finished, environment

pytestmark = [pytest.mark.pipeline, pytest.mark.one_stack]

NODES = (
    "ExampleGen",
    "ImportSchemaGen",
    "RowTimes",
    "StatisticsGen",
    "AcceptedStatisticsResolver",
    "ExampleValidator",
    "AnomalyGate",
)
MOMENTS = (*NODES, QUARANTINE, RECORD)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good span and a bad one arrived."""
    base = tmp_path_factory.mktemp("killed")
    write_quarters(base / "arrived", "2016Q1", "2016Q2")
    edit(base / "arrived", "2016Q2", lambda rows: rows[0].update(fare="2000"))
    return base


@pytest.fixture(scope="module")
def deaths(base: Path) -> dict[str, Finished]:
    """Moment -> the ingestion that died there."""
    (base / "deaths").mkdir()
    options = ["--from", str(base / "arrived"), "--var", str(base / "var")]
    command = [sys.executable, "-m", "tests.pipelines.ingestion.killed_ingest", str(base / "deaths"), *MOMENTS, "--"]
    ended = subprocess.run(
        [*command, *options], cwd=SOURCE, env=environment(), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    found = {moment: json.loads((base / "deaths" / f"{moment}.json").read_text()) for moment in MOMENTS}
    return {moment: Finished(**death, stderr="", summary={}) for moment, death in found.items()}


@pytest.fixture(scope="module")
def last(base: Path, deaths: dict[str, Finished]) -> Step:
    """One more ingestion after all deaths."""
    return look(base / "var", ingest_here(base / "var", base / "arrived"))


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_ingestion_was_killed(deaths: dict[str, Finished], moment: str) -> None:
    assert deaths[moment].status == -signal.SIGKILL, deaths[moment].told()


@pytest.mark.parametrize(("killed", "following"), zip(NODES, MOMENTS[1:], strict=False))
def test_the_next_one_clears_what_was_begun(deaths: dict[str, Finished], killed: str, following: str) -> None:
    assert f"cleared what an interrupted run left: {killed}\n" in deaths[following].terminal


def test_the_good_span_is_kept_as_soon_as_it_was_accepted(deaths: dict[str, Finished]) -> None:
    assert "2016Q1      v1   accepted" in deaths[QUARANTINE].terminal
    assert "2016Q1      v1   unchanged" in deaths[RECORD].terminal


def test_in_the_end_every_span_is_where_it_belongs_in_its_first_version(last: Step) -> None:
    assert last.run.status == 1, last.run.told()
    assert last.spans == {"2016Q1": ("unchanged", 1), "2016Q2": ("in quarantine", 1)}
    assert last.accepted == {"2016Q1": 1}
    assert [(cell["line"], cell["cell"]) for cell in last.quarantine["2016Q2"]["rows"]] == [(2, "2000")]


def test_nothing_unfinished_is_left(base: Path, last: Step) -> None:
    var = base / "var"
    assert not (var / "tmp").exists()
    assert not [path for path in var.rglob("*") if path.name.endswith(".tmp")]
    with sqlite3.connect(var / "metadata.sqlite") as database:
        states = {state for (state,) in database.execute("select last_known_state from Execution")}
    assert states <= {3, 4, 5}  # COMPLETE, FAILED, CACHED: none NEW or RUNNING
