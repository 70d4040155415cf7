"""Runs that end with a model nobody may use: exit status 1, the reason in plain words, nothing pushed."""

import dataclasses
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_model_analysis.proto import config_pb2

from pipelines.evaluation import group_gaps
from pipelines.runner import local_run
from tests.pipelines.task_definition.test_scoping import MINIMAL
from tests.runs.in_process import run_here
from tests.runs.project import Project, files
from tests.tasks.diabetes.task import TASK

pytestmark = pytest.mark.pipeline

MODEL = "tests/tasks/diabetes/trainer.py"


def test_a_threshold_that_is_not_met(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files(project.var / "serving")
    strict = text_format.Parse(str(TASK.make_eval_config()).replace("5500", "10"), config_pb2.EvalConfig())
    monkeypatch.setattr(local_run, "load_task", lambda name: dataclasses.replace(TASK, make_eval_config=lambda: strict))
    run = run_here(project.var)
    assert run.ran == {"Evaluator", "Pusher"}
    assert run.status == 1, run.told()
    assert run.summary["status"] == "refused"
    assert {gate["gate"]: gate["passed"] for gate in run.summary["gates"]} == {
        "AnomalyGate": True,
        "Evaluator": False,
        "SkewGate": True,
    }
    assert "mean_squared_error on overall is 3" in run.terminal
    assert ": NOT at most 10" in run.terminal
    assert "not pushed   a gate refused the model" in run.terminal
    assert files(project.var / "serving") == before


@pytest.mark.parametrize(("max_gap", "passes"), [(1000.0, True), (0.001, False)])
def test_a_gap_between_groups(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, max_gap: float, passes: bool
) -> None:
    before = files(project.var / "serving")
    scoping = tmp_path / "scoping.toml"
    scoping.write_text(f'{MINIMAL}\n[fairness]\ncolumns = ["sex"]\nreason = "asked"\nmax_gap = {max_gap}\n')
    monkeypatch.setattr(local_run, "load_task", lambda name: dataclasses.replace(TASK, scoping=scoping))
    monkeypatch.setattr(group_gaps.GroupGap, "is_clear", True)  # The sexes of these few rows differ by chance alone.
    run = run_here(project.var)
    (evaluator,) = (gate for gate in run.summary["gates"] if gate["gate"] == "Evaluator")
    assert (run.status, evaluator["passed"]) == ((0, True) if passes else (1, False)), run.told()
    if passes:
        assert "groups by sex: none of 4 gaps is clear and more than 1000" in evaluator["reasons"]
    else:
        assert any(reason.startswith("mean error where sex = ") for reason in evaluator["reasons"])
        assert all(reason.endswith("NOT at most 0.001") for reason in evaluator["reasons"])
        assert run.summary["status"] == "refused"
        assert files(project.var / "serving") == before


def test_an_asset_that_is_edited_after_the_export(project: Project) -> None:
    before = files(project.var / "serving")
    project.edit(
        MODEL,
        "    export_model(model, fn_args)\n",
        "    export_model(model, fn_args)\n"
        "    from pathlib import Path\n\n"
        '    (vocabulary,) = Path(fn_args.serving_model_dir, "assets").glob("sex*")\n'
        '    vocabulary.write_text("b\\na\\n" if vocabulary.read_text() == "a\\nb\\n" else "a\\nb\\n")\n',
    )
    run = project.run()
    assert run.status == 1, run.told()
    assert run.summary["status"] == "refused"
    (skew_gate,) = (gate for gate in run.summary["gates"] if gate["gate"] == "SkewGate")
    assert skew_gate["passed"] is False
    assert skew_gate["reasons"][0].startswith("feature sex: 152 of 152 rows")
    assert "feature sex: 152 of 152 rows" in run.terminal
    assert files(project.var / "serving") == before
