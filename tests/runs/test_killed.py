"""kill -9 in the middle of each node, one after the other over one var folder; then the pipeline finishes."""

import dataclasses
import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.runs.conftest import History
from tests.runs.in_process import run_here
from tests.runs.killed import BESIDE, COPYING, RENAMED
from tests.runs.project import DIABETES, NODES, RESOLVERS, Finished, Project, environment, files

pytestmark = [pytest.mark.pipeline, pytest.mark.one_stack]

EARLIER = "1700000000"  # a version that was there before, from other times
# SkewGate beside the Evaluator, then each of them alone.
MOMENTS = (*NODES[:-3], BESIDE, *NODES[-3:], COPYING, RENAMED)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Aftermath:
    """What is there after a death at each moment, and one more run."""

    project: Project
    deaths: dict[str, Finished]
    last: Finished
    cold: Finished  # a run that nothing interrupted, elsewhere


@pytest.fixture(scope="module")
def aftermath(history: History, tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    """Dies at each moment, then runs once more."""
    project = Project.copy(tmp_path_factory.mktemp("killed") / "project")
    earlier = project.var / "serving" / "diabetes" / EARLIER
    earlier.mkdir(parents=True)
    (earlier / "saved_model.pb").write_bytes(b"from other times")
    deaths = _die_in_each(project, tmp_path_factory.mktemp("deaths"))
    return Aftermath(project=project, deaths=deaths, last=run_here(project.var), cold=history.cold)


def _die_in_each(project: Project, folder: Path) -> dict[str, Finished]:
    """Moment -> the run that died there."""
    command = [sys.executable, "-m", "tests.runs.killed", str(folder), *MOMENTS, "--", "--task", DIABETES]
    ended = subprocess.run(command, cwd=project.root, env=environment(), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    deaths = {moment: json.loads((folder / f"{moment}.json").read_text()) for moment in MOMENTS}
    return {moment: Finished(**death, stderr="", summary={}) for moment, death in deaths.items()}


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_run_was_killed(aftermath: Aftermath, moment: str) -> None:
    death = aftermath.deaths[moment]
    assert death.status == -signal.SIGKILL, death.told()


@pytest.mark.parametrize(("killed", "following"), zip(NODES, (*NODES[1:], "Pusher"), strict=True))
def test_the_next_run_clears_what_was_begun_and_goes_on_from_there(
    aftermath: Aftermath, killed: str, following: str
) -> None:
    after = aftermath.deaths[{"Pusher": COPYING, "BlessedModelResolver": BESIDE}.get(killed, following)]
    assert f"cleared what an interrupted run left: {killed}\n" in after.terminal
    states = dict(re.findall(r"^(\w+) +(ran|cached) ", after.terminal, re.MULTILINE))
    done = NODES[: NODES.index(killed)]
    assert {node for node in done if states[node] == "ran"} <= RESOLVERS
    if killed != "Pusher":
        assert states[killed] == "ran"


def test_after_a_death_with_two_nodes_running_both_are_cleared_and_what_was_done_before_them_is_kept(
    aftermath: Aftermath,
) -> None:
    death, after = aftermath.deaths[BESIDE], aftermath.deaths["SkewGate"]
    assert not re.findall(r"^(SkewGate|Evaluator) ", death.terminal, re.MULTILINE)
    assert "cleared what an interrupted run left: SkewGate, Evaluator\n" in after.terminal
    states = dict(re.findall(r"^(\w+) +(ran|cached) ", after.terminal, re.MULTILINE))
    assert {node for node, state in states.items() if state == "ran"} <= RESOLVERS
    assert set(states) == set(NODES[:-3])


def test_in_the_end_the_pipeline_finishes_with_one_complete_new_version(aftermath: Aftermath) -> None:
    assert aftermath.last.status == 0, aftermath.last.told()
    pushed = aftermath.last.summary["pushed"]
    assert aftermath.project.versions() == [EARLIER, pushed["version"]]
    (trainer,) = (node for node in aftermath.last.summary["nodes"] if node["id"] == "Trainer")
    exported = Path(trainer["outputs"]["model"]["uri"]) / "Format-Serving"
    complete = files(Path(pushed["path"]))
    assert complete.pop("assets.extra/tf_serving_warmup_requests")
    assert complete == files(exported)


def test_the_earlier_version_is_untouched(aftermath: Aftermath) -> None:
    earlier = aftermath.project.var / "serving" / "diabetes" / EARLIER
    assert files(earlier) == {"saved_model.pb": b"from other times"}


def test_the_metrics_are_those_of_a_cold_run_elsewhere(aftermath: Aftermath) -> None:
    after, elsewhere = aftermath.last.summary["metrics"], aftermath.cold.summary["metrics"]
    assert after == {rows: pytest.approx(metrics, rel=1e-6) for rows, metrics in elsewhere.items()}


def test_nothing_unfinished_is_left(aftermath: Aftermath) -> None:
    var = aftermath.project.var
    assert not (var / "tmp").exists()
    assert not [path for path in var.rglob("*") if path.name.endswith(".tmp")]
    with sqlite3.connect(var / "metadata.sqlite") as database:
        states = dict(database.execute("select id, last_known_state from Execution"))
    complete = {str(execution) for execution, state in states.items() if state == 3}
    assert set(states.values()) == {3, 4, 5}  # COMPLETE, FAILED, CACHED: none NEW or RUNNING
    written = {path for path in (var / "artifacts" / "diabetes").glob("*/*/*") if path.parent.name != ".system"}
    assert {path.name for path in written} <= complete
    assert not list((var / "artifacts").glob("*/*/.system/stateful_working_dir/*"))


def test_no_process_outlives_the_run_that_started_it(aftermath: Aftermath) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _processes(aftermath.project.root):
        time.sleep(0.1)
    assert _processes(aftermath.project.root) == []


def _processes(root: Path) -> list[str]:
    found = (" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))
    return [command for command in found if str(root) in command]
