"""What serves, what is compared with, what is pinned and the lineage of all these stay; a kill leaves nothing half."""

import copy
import dataclasses
import json
import shutil
import time
from pathlib import Path

import pytest

from pipelines.cli.app import execute
from pipelines.retention import command
from pipelines.retention.plan import RemovalPlan, make_plan
from pipelines.retention.policy import RetentionPolicy
from pipelines.retention.records import PIN_FILE
from pipelines.retention.removal import remove
from pipelines.runner.lock import lock_folder
from pipelines.runner.run_folder import BEGUN_FILE
from pipelines.runner.summary import Summary
from serving.file_lock import exclusive
from serving.rollout import step_log
from serving.rollout.errors import PreconditionError
from serving.rollout.rollout import LOCK
from serving.rollout.step_log import RolloutState, StepLog, StepRecord, StepResult
from tests.pipelines.retention.made_var import MadeVar
from tests.pipelines.runs.made_history import MadeHistory

LATER = 100 * 86_400
ONE = RetentionPolicy(keep_runs=1, keep_versions=1)
OF_3_AND_4 = {
    f"{what} {n}" for what in ("examples", "statistics", "accepted", "model", "blessing", "infra") for n in "34"
}


@pytest.fixture(scope="module")
def _made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeVar:
    var = tmp_path_factory.mktemp("retention") / "var"
    var.mkdir()
    made = MadeVar(var)
    shutil.copytree(var, var.with_name("saved"))
    return made


@pytest.fixture
def made(_made_once: MadeVar) -> MadeVar:
    """As it was made, at the same path, which ML Metadata holds."""
    shutil.rmtree(_made_once.var)
    shutil.copytree(_made_once.var.with_name("saved"), _made_once.var)
    made = copy.copy(_made_once)
    made.ids = dict(_made_once.ids)
    return made


def plan(made: MadeVar, policy: RetentionPolicy = ONE) -> RemovalPlan:
    return make_plan(made.var, policy, now=time.time() + LATER)


def test_the_newest_and_the_baselines_stay(made: MadeVar) -> None:
    """The next run is compared with model 4 or, if it is its own, with model 3; what 3 was compared with may go."""
    remove(made.var, plan(made))
    assert made.live() == OF_3_AND_4 | {"pushed 4"}
    assert made.broken() == []
    assert (made.versions(), made.runs()) == (["4"], ["run-3", "run-4"])
    assert set(json.loads((made.var / "artifacts" / "taxi" / "digests.json").read_text())) == {
        artifact.uri for artifact in made.store().get_artifacts_by_id([made.ids[name] for name in made.live()])
    }


def test_experiments_push_out_nothing_that_later_runs_are_compared_with(made: MadeVar) -> None:
    for number in (1, 2):
        made.try_other_data(number)
    remove(made.var, plan(made))
    assert {"accepted 3", "accepted 4"} <= made.live()


def test_the_lineage_of_a_served_version_stays(made: MadeVar) -> None:
    made.serve('model_version_policy { specific { versions: 2 } } version_labels { key: "stable" value: 2 }')
    found = plan(made)
    assert found.versions == {("taxi", 2): "served as stable", ("taxi", 4): "the newest"}
    remove(made.var, found)
    rows = {"examples 1", "examples 2", "statistics 1", "statistics 2"}  # the traffic is compared with the statistics
    of_2 = rows | {"model 2", "blessing 2", "infra 2", "pushed 2"}
    assert made.live() == OF_3_AND_4 | {"pushed 4"} | of_2
    assert made.broken() == []
    assert made.versions() == ["2", "4"]
    assert made.runs() == ["run-1", "run-2", "run-3", "run-4"]  # run 1 read the rows


@pytest.mark.parametrize(
    ("policy", "kept"), [("", ["4"]), ("latest { num_versions: 2 }", ["3", "4"]), ("all {}", ["1", "2", "3", "4"])]
)
def test_what_a_server_chooses_by_itself_stays(made: MadeVar, policy: str, kept: list[str]) -> None:
    """Under whatever name the server has of the model."""
    (made.var / "serving" / "models.config").write_text(
        'model_config_list { config { name: "tips" base_path: "/models/taxi" model_platform: "tensorflow" '
        f"model_version_policy {{ {policy} }} }} }}"
    )
    remove(made.var, plan(made))
    assert made.versions() == kept
    assert {f"model {version}" for version in kept} <= made.live()


def test_looks_at_the_traffic_go_but_for_the_newest_and_the_last_that_succeeded(made: MadeVar) -> None:
    """Their copy of the logged rows goes with them; what a kept one was compared with stays."""
    made.monitor(1, 2, 3, answered_by=1)
    (made.var / "monitoring" / "taxi" / "latest").symlink_to("look-2")  # the third failed
    found = plan(made)
    assert made.gone(found) >= {"rows 1", "report 1", "model 2", "pushed 1"}
    remove(made.var, found)
    assert made.live() >= {"rows 2", "report 2", "rows 3", "report 3", "model 1", "examples 1", "statistics 1"}
    assert made.broken() == []
    assert sorted(path.name for path in (made.var / "monitoring" / "taxi").iterdir()) == ["latest", "look-2", "look-3"]


def test_what_a_rollback_goes_back_to_stays(made: MadeVar) -> None:
    made.serve('version_labels { key: "stable" value: 3 }')
    log = StepLog(made.var / "serving" / step_log.NAME)
    before, after = RolloutState(1, 3, 50), RolloutState(3, None, 0)
    log.append(
        StepRecord(
            time=step_log.timestamp(), who="x", command=step_log.PROMOTE, model="taxi", before=before, after=after,
            result=StepResult.DONE,
        )
    )  # fmt: skip
    assert plan(made).versions[("taxi", 1)] == "the version that a rollback restores"


def test_a_pinned_run_stays_with_the_version_that_it_pushed(made: MadeVar) -> None:
    (made.var / "runs" / "run-2" / PIN_FILE).touch()
    found = plan(made)
    assert found.versions[("taxi", 2)] == "pushed by a run that is kept"
    remove(made.var, found)
    assert {"model 2", "pushed 2"} <= made.live()
    assert made.versions() == ["2", "4"]


def test_a_kept_run_keeps_what_it_compared_with_and_not_the_lineage_of_that(made: MadeVar) -> None:
    (made.var / "runs" / "run-3" / PIN_FILE).touch()
    remove(made.var, plan(made))
    assert made.live() == OF_3_AND_4 | {"pushed 3", "pushed 4", "model 2", "statistics 1", "statistics 2"}
    assert made.versions() == ["3", "4"]


def test_a_version_pushed_elsewhere_stays_with_its_lineage(made: MadeVar, tmp_path: Path) -> None:
    """Whoever serves it there does not say so here."""
    elsewhere = tmp_path / "production" / "taxi" / "2"
    store = made.store()
    (pushed,) = store.get_artifacts_by_id([made.ids["pushed 2"]])
    pushed.custom_properties["pushed_destination"].string_value = str(elsewhere)
    store.put_artifacts([pushed])
    assert made.gone(plan(made)) >= {"model 2", "pushed 2"}
    elsewhere.mkdir(parents=True)
    assert made.gone(plan(made)) & {"examples 1", "model 2", "pushed 2"} == set()


def test_artifacts_of_a_pipeline_without_records_are_left_alone(made: MadeVar) -> None:
    for run in (made.var / "runs").iterdir():
        shutil.rmtree(run)
    assert made.gone(plan(made)) == set()


def test_what_is_young_stays(made: MadeVar) -> None:
    assert make_plan(made.var, ONE).remove == ()
    assert len(plan(made, RetentionPolicy()).remove) == 0  # ten runs and five versions
    assert len(make_plan(made.var, dataclasses.replace(ONE, keep_days=0), now=time.time() + 60).remove) == 17


def test_a_run_of_single_nodes_stays_until_it_is_finished_or_a_week_has_passed(made: MadeVar) -> None:
    """Its next node reads what the nodes before it took from the cache and found, and nobody holds the folder."""
    run = made.var / "runs" / "run-0"  # older than all others by its name
    run.mkdir()
    (run / BEGUN_FILE).touch()
    history = MadeHistory(made.var)
    history.ran("run-0", "ExampleGen", reused={"examples": made.ids["examples 1"]})
    history.ran("run-0", "BlessedModelResolver", resolved={"model": made.ids["model 2"]})
    needed, policy, day = {"examples 1", "model 2"}, dataclasses.replace(ONE, keep_days=0), 86_400

    def kept(days: float) -> tuple[bool, set[str]]:
        found = make_plan(made.var, policy, now=time.time() + days * day)
        return run in {item.path for item in found.keep}, needed - made.gone(found)

    assert kept(6.5) == (True, needed)
    assert kept(7.5) == (False, set())
    Summary(run_id="run-0", task="taxi", data="", started="").write(run)
    assert kept(6.5) == (False, set())


def test_nothing_is_guessed_of_what_serves(made: MadeVar) -> None:
    (made.var / "serving" / "models.config").write_text("model_config_list {")
    with pytest.raises(PreconditionError, match="expected a ModelServerConfig"):
        plan(made)


def test_killed_at_any_step(made: MadeVar, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is said to exist does, as a whole; and the next removal ends what was begun."""
    rename = Path.rename
    for steps in range(len(plan(made).remove) + 1):
        left = steps

        def rename_some(path: Path, target: Path) -> Path:
            nonlocal left
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
            return rename(path, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", rename_some)
            try:
                remove(made.var, plan(made))
            except KeyboardInterrupt:
                assert left < 0
        assert made.broken() == []
        assert {path.name for run in (made.var / "runs").iterdir() for path in run.iterdir()} == {"a", "b"}
    remove(made.var, plan(made))
    assert plan(made).remove == ()
    assert not (made.var / ".trash").exists()
    assert made.live() == OF_3_AND_4 | {"pushed 4"}
    folders = {path.parent for path in (made.var / "artifacts").rglob("a")}
    assert len(folders) == len(made.live())


def test_a_file_of_the_log_that_a_gateway_removes_meanwhile(made: MadeVar) -> None:
    log = made.var / "requests" / "taxi" / "2026-11-21" / "20261121T163842000000Z-0123abcd-000001.parquet"
    log.parent.mkdir(parents=True)
    log.write_text("rows")
    found = plan(made)
    log.unlink()
    remove(made.var, found)
    assert made.live() == OF_3_AND_4 | {"pushed 4"}


def test_the_request_log(made: MadeVar) -> None:
    log = made.var / "requests" / "taxi" / "2026-11-21"
    log.mkdir(parents=True)
    (log / "20261121T163842000000Z-0123abcd-000001.parquet").write_text("rows")
    (log / "mine.parquet").write_text("somebody's")
    assert [item.path.name for item in plan(made).remove if item.kind == "request logs"] == [
        "20261121T163842000000Z-0123abcd-000001.parquet"
    ]
    assert not [item for item in plan(made, RetentionPolicy(keep_log_days=120)).remove if item.kind == "request logs"]


def test_the_commands(made: MadeVar, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["gc", "--var", str(made.var), "--keep-days", "0", "--keep-runs", "1", "--keep-versions", "1"]
    time.sleep(0.01)
    assert execute(words) == 0
    assert "nothing was removed: add --apply" in capsys.readouterr().out
    assert len(made.versions()) == 4
    with lock_folder(made.var):
        assert execute([*words, "--apply"]) == 2
    assert "is using" in capsys.readouterr().err
    with exclusive(made.var / "serving" / LOCK, "promote of x"):  # What serves is about to change.
        assert execute([*words, "--apply"]) == 2
    assert "locked by promote of x" in capsys.readouterr().err
    assert len(made.versions()) == 4
    assert execute([*words, "--apply"]) == 0
    assert "keeps taxi 4 and its lineage: the newest\nfreed " in capsys.readouterr().out
    assert made.versions() == ["4"]
    for name in ("monitoring/taxi", "feedback/taxi", "quarantine/taxi", "production_metrics", "ingestions"):
        (made.var / name).mkdir(parents=True)
    (made.var / "production_metrics" / "taxi.json").write_text("{}")
    assert execute(["disk", "--var", str(made.var)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert any(line.endswith("  serving/taxi") for line in shown)
    assert {line.rpartition("  ")[2] for line in shown} >= {
        "monitoring/taxi", "feedback/taxi", "quarantine/taxi", "production_metrics/taxi.json", "ingestions",
    }  # fmt: skip
    assert shown[-1].endswith(f"in all below {made.var}")
    assert execute(["gc", "--keep-runs", "0"]) == 2
    assert command.show_disk(made.var / "no") == 1
