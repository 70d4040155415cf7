"""Runs that end with a model nobody may use: exit status 1, the reason in plain words, nothing pushed."""

from pathlib import Path

import pytest

from pipelines.runs import Runs
from tests.runs.project import Project, files

pytestmark = pytest.mark.pipeline

MODEL = "tests/tasks/diabetes/trainer.py"


def test_a_threshold_that_is_not_met(project: Project) -> None:
    before = files(project.var / "serving")
    project.edit("tests/tasks/diabetes/evaluation.py", "upper_bound {{ value: 5500 }}", "upper_bound {{ value: 10 }}")
    run = project.run()
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


def test_own_data_in_a_folder_of_two_files_and_a_warm_start(project: Project, tmp_path: Path) -> None:
    header, *rows = (project.var / "data" / "diabetes" / "patients.csv").read_text().splitlines()
    for name, part in (("a.csv", rows[:200]), ("b.csv", rows[200:])):
        (tmp_path / name).write_text("\n".join([header, *part]) + "\n")
    run = project.run("--data", str(tmp_path), "--warm-start", "--verbose")
    assert run.status == 0, run.told()
    assert run.summary["data"] == str(tmp_path)
    assert run.summary["rows"] == {"train": 290, "eval": 152}
    assert run.states["WarmStartResolver"] == "ran"
    assert run.summary["pushed"]["new"] is True
    assert len(project.versions()) == 2
    assert "INFO" in run.stderr, "--verbose shows the log"
    runs = Runs(project.var)
    first, new = runs.list()[0], runs.open(run.summary["run_id"])
    lineage = runs.lineage(run.summary["pushed"]["version"])
    assert lineage.started_from == lineage.baseline == first.lineage().model
    assert lineage.data is not None
    assert lineage.data.files == [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    # The first rows fed both models, the second one by way of the weights that it started from.
    assert runs.models_trained_on(project.var / "data" / "diabetes")["run"].tolist() == [first.id, new.id]
    assert runs.models_trained_on(tmp_path / "b.csv")[["run", "pushed"]].values.tolist() == [[new.id, True]]
    assert new.baseline_model() is not None
