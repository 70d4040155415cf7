"""Runs as they are read: the cold one, and the second, whose nodes all came from the cache."""

import json

import numpy as np
import pandas as pd
import pytest

from pipelines.cli.app import execute
from pipelines.evaluation.slices import in_slice
from pipelines.runs import Run, RunError, Runs
from pipelines.runs.difference import compare_runs
from pipelines.runs.lineage import Lineage
from tests.runs.conftest import History
from tests.runs.project import NODES, RESOLVERS, Project

pytestmark = pytest.mark.pipeline


@pytest.fixture
def cold(history: History, project: Project) -> Run:
    return Runs(project.var).open(history.cold.summary["run_id"])


@pytest.fixture
def cached(history: History, project: Project) -> Run:
    return Runs(project.var).open()


def test_data_and_what_is_known_of_it(cached: Run) -> None:
    assert {split: len(cached.rows(split)) for split in ("train", "eval")} == {"train": 290, "eval": 152}
    rows, table = cached.rows("train"), cached.statistics_table().set_index(["split", "feature"])
    assert list(rows) == [feature.name for feature in cached.schema.feature]
    assert {feature.name for feature in cached.proposed_schema.feature} == set(rows)
    for name in ("bmi", "s6"):
        figures = table.loc["train", name]
        assert figures["missing"] == rows[name].isna().sum()
        assert figures["mean"] == pytest.approx(rows[name].mean(), rel=1e-5)
        assert (figures["min"], figures["max"]) == (rows[name].min(), rows[name].max())
    assert table.loc["train", "s6"]["missing"] > 0
    assert table.loc["train", "sex"]["top"] == rows["sex"].mode()[0]
    assert cached.anomalies().empty
    assert cached.previous_statistics() is None
    (dataset,) = cached.statistics("eval").datasets
    assert dataset.num_examples == 152


def test_transformed_rows_are_what_the_model_makes_of_the_raw_ones(cached: Run) -> None:
    transformed, served = cached.transformed("eval"), cached.model().transformed(cached.records("eval"))
    assert set(transformed) == set(served) == set(cached.transform_graph.transformed_feature_spec())
    for name in transformed:
        np.testing.assert_array_equal(transformed[name], served[name][:, 0])


def test_predictions_have_the_metrics_that_the_evaluator_found(cached: Run) -> None:
    found, metrics = cached.eval_predictions(), cached.metrics()
    assert list(found) == [*cached.rows("eval"), "label", "prediction"]
    pd.testing.assert_frame_equal(cached.eval_predictions(10), found[::10], rtol=1e-5)
    np.testing.assert_array_equal(found["label"], found["target"])
    error = (found["prediction"] - found["label"]) ** 2
    slices = cached.slices()
    assert list(slices) == ["overall", "sex = a", "sex = b"]
    for name, where in slices.items():
        inside = in_slice(found, where)
        assert inside.sum() == metrics.loc[name, "example_count"]
        assert error[inside].mean() == pytest.approx(metrics.loc[name, "mean_squared_error"], rel=1e-5)


def test_what_happened(cold: Run, cached: Run, history: History) -> None:
    assert (cold.status, cached.status) == ("pushed", "unchanged")
    assert cached.nodes()["node"].tolist() == list(NODES)
    assert set(cold.nodes()["state"]) == {"ran"}
    assert cached.gates()["passed"].tolist() == [True, True, True]
    assert cached.skew_report()["rows"] == 152
    assert cached.metrics().to_dict("index") == history.second.summary["metrics"]
    epochs = cached.history()
    assert epochs["epoch"].tolist() == list(range(1, len(epochs) + 1))
    assert f"{len(epochs)} epochs, lowest validation loss {epochs['val_loss'].min():.4g}" in set(
        cold.nodes()["summary"]
    )
    assert cached.task_record.name == "diabetes"
    assert cached.hyperparameters == {}
    assert cached.parameters["Trainer.custom_config.settings.train_steps"] == 300
    assert cached.baseline_model() is None


def test_lineage_of_a_pushed_version(cold: Run, cached: Run, project: Project) -> None:
    (version,) = project.versions()
    runs = Runs(project.var)
    found: Lineage = runs.lineage(version)
    assert (found.run_id, found.trained_by, found.versions) == (cold.id, cold.id, (version,))
    assert (cached.lineage().trained_by, cached.version) == (cold.id, version)
    assert found.data is not None
    assert found.data.files == [str(project.var / "data" / "diabetes" / "patients.csv")]
    assert found.data.unchanged
    assert dict(found.data.rows) == {"train": 290, "eval": 152}
    assert found.code == cold.code
    of_ours = {"ExampleGen", "StatisticsGen", "AnomalyGate", "Transform", "Trainer", "Evaluator", "SkewGate", "Pusher"}
    assert set(found.code) == of_ours
    assert ("Transform", "Trainer", "TransformGraph") in {(e.source, e.target, e.artifact.type) for e in found.edges}
    fed = runs.models_trained_on(found.data.files[0])
    assert fed[["run", "pushed", "versions", "rows"]].values.tolist() == [[cold.id, True, [version], 442]]


def test_nothing_differs_between_a_run_and_one_from_the_cache(cold: Run, cached: Run) -> None:
    assert compare_runs(cold, cached).empty


def test_a_run_that_failed_midway_is_read_as_far_as_it_got(
    cold: Run, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.edit("tests/tasks/diabetes/preprocessing.py")
    project.edit("tests/tasks/diabetes/trainer.py", "Dense(16", "Dense(0")
    failed = project.run()
    assert (failed.status, failed.stderr) == (1, ""), failed.told()
    assert failed.ran == {"Transform"}
    assert failed.cached == set(NODES[: NODES.index("Transform")]) - RESOLVERS
    assert {failed.states[node] for node in NODES[NODES.index("Trainer") :]} == {"failed", "skipped"}
    assert failed.states["Trainer"] == "failed"
    run = Runs(project.var).open()
    assert len(run.rows("eval")) == 152
    assert len(run.transformed("train")) == 290
    assert run.lineage().model is None
    assert run.lineage().data == cold.lineage().data
    found = compare_runs(cold, run)
    assert [change.name for change in found.files or ()] == ["preprocessing.py", "trainer.py"]
    assert [change.name for change in found.code] == ["task and components", "Transform", "Trainer"]
    assert {change.name for change in found.nodes} >= {"Evaluator", "Pusher"}
    with pytest.raises(
        LookupError, match=rf"^run {run.id}: Trainer failed and wrote nothing; the run ended as failed: "
    ):
        run.model()
    assert execute(["runs", "show", "--var", str(project.var)]) == 0
    assert "Trainer" in capsys.readouterr().out


def test_the_format_of_a_killed_run_is_that_of_any_other(project: Project, history: History) -> None:
    path = project.var / "runs" / history.cold.summary["run_id"] / "summary.json"
    before = json.loads(path.read_text())
    path.unlink()
    run = Runs(project.var).open(history.cold.summary["run_id"])
    assert run.status == "unfinished"
    assert run.summary.keys() == before.keys()
    assert {node["id"]: node["outputs"].keys() for node in run.summary["nodes"]} == {
        node["id"]: node["outputs"].keys() for node in before["nodes"]
    }
    assert run.metrics().to_dict("index") == before["metrics"]


def test_what_the_predictions_rest_on(cached: Run) -> None:
    importance = cached.importance(permutations=2)
    assert importance["slice"].unique().tolist() == ["overall", "sex = a", "sex = b"]
    overall = importance[importance["slice"] == "overall"]
    assert set(overall["column"]) == set(cached.model().columns)
    assert overall["importance"].is_monotonic_decreasing
    assert ((overall["low"] <= overall["importance"]) & (overall["importance"] <= overall["high"])).all()
    found = cached.eval_predictions()
    assert overall["loss"].iloc[0] == pytest.approx((found["prediction"] - found["label"]).abs().mean(), rel=1e-5)
    effects = cached.effects("s6")
    assert effects["value"].isna().tolist() == [False] * (len(effects) - 1) + [True], "s6 is missing in some rows"
    assert effects["rows"].sum() == len(found)
    by_sex = cached.effects("sex").set_index("value")["effect"]
    swapped = cached.model()(found.assign(sex="a"))["prediction"].mean() - found["prediction"].mean()
    assert by_sex["a"] == pytest.approx(swapped, abs=1e-3)
    with pytest.raises(RunError, match="the model takes no column 'bmj'; did you mean 'bmi'"):
        cached.effects("bmj")


def test_what_single_predictions_are_made_of(cached: Run) -> None:
    worst = cached.worst_rows(3)
    losses = (cached.eval_predictions()["prediction"] - cached.eval_predictions()["label"]).abs()
    assert worst["loss"].tolist() == pytest.approx(losses.nlargest(3).tolist())
    explained = cached.explain(worst)
    assert list(explained.index.unique("row")) == list(worst.index)
    by_row = explained.groupby("row", sort=False)
    together = by_row["base"].first() + by_row["contribution"].sum()
    np.testing.assert_allclose(together.loc[worst.index], worst["prediction"], rtol=1e-4)
    assert explained.loc[worst.index[0], "value"]["bmi"] == worst["bmi"].iloc[0]
    search = cached.weak_slices()
    assert (search.searched_rows, search.confirming_rows) == (76, 76)
    with pytest.raises(RunError, match="the model has no output 'prediction_1'; did you mean 'prediction'"):
        cached.explain(worst, output="prediction_1")
