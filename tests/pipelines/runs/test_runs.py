"""Finding a run: by name, the newest, of a task; runs that were killed; records that cannot be understood."""

import json
import shutil
from pathlib import Path

import pytest

from pipelines.runner.summary import FORMAT as WRITTEN_FORMAT
from pipelines.runs import RunError, Runs
from pipelines.runs.run_record import FORMAT
from tests.pipelines.runs.made_history import MadeHistory
from tests.pipelines.runs.made_runs import ran, summary, write, written

FIRST, SECOND, THIRD = "20261121-092301", "20261121-092301-2", "20261121-092301-10"


@pytest.fixture
def var(tmp_path: Path) -> Path:
    write(tmp_path, summary(FIRST), summary(SECOND, task="diabetes"), summary(THIRD, status="refused"))
    return tmp_path


def test_the_format_that_is_read_is_the_one_that_is_written() -> None:
    assert FORMAT == WRITTEN_FORMAT


def test_runs_are_listed_by_time(var: Path) -> None:
    runs = Runs(var)
    assert [run.id for run in runs.list()] == [FIRST, SECOND, THIRD]
    assert [run.id for run in runs.list("taxi")] == [FIRST, THIRD]
    assert [(run.task, run.status, run.version) for run in runs.list()] == [
        ("taxi", "pushed", "1795253025"),
        ("diabetes", "pushed", "1795253025"),
        ("taxi", "refused", None),
    ]
    assert repr(runs.open(FIRST)) == f"Run({FIRST}, task=taxi, status=pushed)"


def test_the_newest(var: Path) -> None:
    runs = Runs(var)
    assert runs.open().id == THIRD
    assert runs.open("latest", "diabetes").id == SECOND
    assert runs.open(SECOND, "diabetes").started == "2026-11-21T09:23:01+00:00"


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        ("20261121-09230", None, r"^no run '20261121-09230' below \S+/runs: did you mean '20261121-092301'\?$"),
        ("zzz", None, rf"^no run 'zzz' below \S+/runs: expected one of {FIRST}, {SECOND}, {THIRD}, or 'latest'$"),
        (FIRST, "diabetes", rf"^run {FIRST} is of another task: expected diabetes, received taxi$"),
        ("latest", "iris", r"^no run of task iris has ended below \S+/runs: run `make run-local`, or name --var$"),
    ],
)
def test_no_such_run(var: Path, name: str, task: str | None, message: str) -> None:
    with pytest.raises(RunError, match=message):
        Runs(var).open(name, task)


def test_before_the_first_run(tmp_path: Path) -> None:
    assert Runs(tmp_path).list() == []
    with pytest.raises(RunError, match=r"^no run has ended below "):
        Runs(tmp_path).open()
    with pytest.raises(RunError, match=r": there is none yet$"):
        Runs(tmp_path).open("zzz")


def test_a_run_that_was_killed_is_read_from_ml_metadata(var: Path) -> None:
    killed = "20261121-100000"
    (var / "runs" / killed).mkdir()
    made = MadeHistory(var)
    (examples,) = made.ran(killed, "ExampleGen", {"examples": "Examples"}, told={"input_base": "/rows"})
    made.ran(killed, "StatisticsGen", reused={"statistics": examples}, state="CACHED")
    made.ran(killed, "BlessedModelResolver", resolved={"model": examples}, state="CACHED")
    made.ran(killed, "Trainer", state="RUNNING")
    run = Runs(var).open(killed)
    assert (run.status, run.task, run.started) == ("unfinished", "taxi", "2026-11-21T10:00:00+00:00")
    assert run.nodes()[["node", "state", "summary"]].values.tolist() == [
        ["ExampleGen", "ran", ""],
        ["StatisticsGen", "cached", ""],
        ["BlessedModelResolver", "ran", ""],
        ["Trainer", "failed", "ML Metadata says RUNNING"],
    ]
    assert run.summary["nodes"][0]["outputs"]["examples"]["type"] == "Examples"
    assert run.summary.keys() == Runs(var).open(FIRST).summary.keys()
    assert run.summary["data"] == "/rows"
    assert Runs(var).open().id == THIRD  # the newest that has ended
    with pytest.raises(
        RunError, match=r": Trainer failed and wrote nothing; the run is still running, or it was killed; "
    ):
        run.history()


def test_a_run_that_was_killed_before_ml_metadata_knew_of_it(var: Path) -> None:
    (var / "runs" / "by hand").mkdir()
    run = Runs(var).open("by hand")
    assert (run.status, run.task, run.started, len(run.nodes())) == ("unfinished", "", "", 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"summary\.json is damaged: expected JSON, received "),
        (json.dumps({"format": 3}), r"summary\.json is not understood: expected format 1 or 2, received 3; update "),
        ("[]", r"summary\.json is not understood: expected format 1 or 2, received list; update "),
    ],
)
def test_a_record_that_cannot_be_understood(var: Path, text: str, message: str) -> None:
    (var / "runs" / FIRST / "summary.json").write_text(text)
    with pytest.raises(RunError, match=message):
        Runs(var).open(FIRST)


def test_what_a_run_did_not_get_to(tmp_path: Path) -> None:
    nodes = (ran("ExampleGen", written("examples", tmp_path)), ran("Trainer", state="failed"))
    write(tmp_path, summary(FIRST, *nodes, ran("Evaluator", state="skipped"), status="failed"))
    run = Runs(tmp_path).open()
    ended = r"nothing; the run ended as failed: Trainer: it broke\. Open another run\.$"
    for read, begin in (
        (run.model, f"run {FIRST}: Trainer failed and wrote "),
        (run.slices, f"run {FIRST}: Evaluator was skipped and wrote "),
        (run.anomalies, f"run {FIRST}: ExampleValidator was not reached, and wrote "),
        (run.baseline_model, f"run {FIRST}: BlessedModelResolver was not reached, and wrote "),
    ):
        with pytest.raises(RunError, match=f"^{begin}{ended}"):
            read()
    assert run.artifact("ExampleGen", "examples") == tmp_path
    with pytest.raises(RunError, match=rf"^run {FIRST}: ExampleGen wrote no 'rows'; expected one of \['examples'\]$"):
        run.artifact("ExampleGen", "rows")


def test_an_artifact_that_was_removed(tmp_path: Path) -> None:
    examples = tmp_path / "examples"
    write(tmp_path, summary(FIRST, ran("ExampleGen", written("examples", examples))))
    with pytest.raises(RunError, match=rf"what ExampleGen wrote as 'examples' is gone: expected it at {examples}; "):
        Runs(tmp_path).open().records("train")


def test_metrics_and_gates_as_tables(var: Path) -> None:
    run = Runs(var).open(FIRST)
    metrics = run.metrics()
    assert metrics.index.tolist() == ["overall", "pay = Cash"]
    assert metrics.index.name == "slice"
    assert metrics.loc["overall"].to_dict() == {"auc": 0.95, "example_count": 4993.0}
    assert metrics["auc"].isna().tolist() == [False, True]
    assert run.gates().to_dict("records") == [
        {"gate": "Evaluator", "passed": True, "reasons": ["auc on overall is 0.9500: at least 0.94"]}
    ]


def test_history(tmp_path: Path) -> None:
    write(tmp_path, summary(FIRST, ran("Trainer", written("model", tmp_path), written("model_run", tmp_path))))
    run = Runs(tmp_path).open()
    with pytest.raises(
        RunError, match=r"history\.json: expected the history that pipelines\.modeling\.fitting\.fit writes"
    ):
        run.history()
    (tmp_path / "history.json").write_text(json.dumps({"loss": [0.5, 0.25], "val_loss": [0.75, 0.5]}))
    assert run.history().to_dict("list") == {"epoch": [1, 2], "loss": [0.5, 0.25], "val_loss": [0.75, 0.5]}


def test_hyperparameters_that_trainer_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        summary(FIRST, ran("Trainer", written("model", tmp_path))),
        summary(SECOND, ran("Trainer", written("model", tmp_path))),
    )
    made = MadeHistory(tmp_path)
    (values,) = made.ran(FIRST, "ImportHyperparameters", {"best_hyperparameters": "HyperParameters"})
    made.ran(FIRST, "Trainer", inputs={"hyperparameters": values})
    made.ran(SECOND, "Trainer")
    runs = Runs(tmp_path)
    with pytest.raises(RunError, match=rf"^the hyperparameters of run {FIRST} are gone: "):
        _ = runs.open(FIRST).hyperparameters
    folder = tmp_path / "artifacts" / "taxi" / "ImportHyperparameters" / "best_hyperparameters" / "0"
    folder.mkdir(parents=True)
    (folder / "best_hyperparameters.txt").write_text(json.dumps({"space": [], "values": {"units": 16, "rate": 0.5}}))
    assert runs.open(FIRST).hyperparameters == {"units": 16, "rate": 0.5}
    assert runs.open(SECOND).hyperparameters == {}


def test_the_task_is_found_by_the_module_of_its_features(tmp_path: Path) -> None:
    write(tmp_path, summary(FIRST, task="diabetes"), summary(SECOND, task="nothing"))
    made = MadeHistory(tmp_path)
    told = {"preprocessing_fn": "tests.tasks.diabetes.preprocessing.preprocessing_fn"}
    made.ran(FIRST, "Transform", told=told, task="diabetes")
    assert Runs(tmp_path).open(FIRST).task_record.name == "diabetes"
    with pytest.raises(
        RunError, match=rf"^run {SECOND} is of a task that the code no longer has: unknown task 'nothing'"
    ):
        _ = Runs(tmp_path).open(SECOND).task_record


def test_names_of_stacked_features_are_those_of_that_run_and_no_parameters(tmp_path: Path) -> None:
    write(tmp_path, summary(FIRST), summary(SECOND))
    made = MadeHistory(tmp_path)
    config = {"code_digest": "aa", "feature_parts": {"numbers": ["fare_scaled", "miles_scaled"]}, "kept": 1}
    made.ran(FIRST, "Transform", told={"custom_config": json.dumps(config)})
    run = Runs(tmp_path).open(FIRST)
    assert run.feature_parts == {"numbers": ["fare_scaled", "miles_scaled"]}
    assert run.parameters == {"Transform.custom_config.kept": 1}
    assert Runs(tmp_path).open(SECOND).feature_parts == {}


def test_runs_are_only_read(var: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("copy") / "var"
    MadeHistory(var).ran(FIRST, "ExampleGen")
    shutil.copytree(var, copy, symlinks=True)
    Runs(var).open(FIRST).lineage()
    Runs(var).list()
    files = {path.relative_to(var): path.read_bytes() for path in var.rglob("*") if path.is_file()}
    assert files == {path.relative_to(copy): path.read_bytes() for path in copy.rglob("*") if path.is_file()}
