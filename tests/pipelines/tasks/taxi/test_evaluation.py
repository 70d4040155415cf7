"""What was agreed in scoping.toml is what gates the taxi model."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import tomlkit
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from tensorflow_model_analysis.proto import config_pb2

from data import taxi as data
from pipelines.config import PipelineConfig, TrainerConfig
from pipelines.task_definition.scoping import Scoping, read_scoping
from pipelines.tasks.taxi import evaluation
from pipelines.tasks.taxi.task import TASK
from pipelines.training import create_pipeline
from tests.data.test_card import ROWS, label

Bounds = dict[tuple[str, tuple[tuple[str, str], ...]], tuple[float | None, ...]]


def gates(config: config_pb2.EvalConfig) -> Bounds:
    """(metric, slice) -> lower and upper bound, and change, of each threshold of an EvalConfig."""
    return dict(_gates(config))


def _gates(config: config_pb2.EvalConfig) -> Iterator[tuple[tuple[str, tuple[tuple[str, str], ...]], tuple]]:
    for metric in config.metrics_specs[0].metrics:
        for gate in metric.per_slice_thresholds:
            value, change = gate.threshold.value_threshold, gate.threshold.change_threshold
            low, high = value.lower_bound, value.upper_bound
            yield (
                (metric.class_name, tuple(gate.slicing_specs[0].feature_values.items())),
                (
                    low.value if value.HasField("lower_bound") else None,
                    high.value if value.HasField("upper_bound") else None,
                    change.absolute.value if change.HasField("absolute") else None,
                ),
            )


def agreed(scoping: Scoping) -> Bounds:
    """The same, of what was agreed."""
    found: Bounds = {
        (threshold.metric, tuple(threshold.slice.items())): (
            threshold.at_least,
            threshold.at_most,
            threshold.change_at_least,
        )
        for threshold in scoping.success.thresholds
    }
    card = ("ExampleCount", (("payment_type", "Credit Card"),))
    return found | {card: (scoping.success.min_slice_rows, None, None)}


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scoping.toml to edit, which evaluation.py reads."""
    copy = tmp_path / "scoping.toml"
    shutil.copyfile(evaluation.SCOPING, copy)
    monkeypatch.setattr(evaluation, "SCOPING", copy)
    return copy


def test_every_agreed_threshold_gates_and_no_other() -> None:
    scoping = read_scoping(evaluation.SCOPING)
    assert len(scoping.success.thresholds) == 5
    assert gates(evaluation.make_eval_config()) == agreed(scoping)


def test_the_task_names_the_file_that_gates() -> None:
    assert TASK.scoping == evaluation.SCOPING
    assert TASK.min_slice_rows == read_scoping(evaluation.SCOPING).success.min_slice_rows == 100


def edit(copy: Path) -> None:
    document = tomlkit.parse(copy.read_text())
    document["success"]["thresholds"][1]["at_least"] = 0.65
    copy.write_text(tomlkit.dumps(document))


def test_an_edit_of_the_file_moves_the_gate(copy: Path) -> None:
    before = gates(evaluation.make_eval_config())
    edit(copy)
    after = gates(evaluation.make_eval_config())
    card = ("AUC", (("payment_type", "Credit Card"),))
    assert {key for key in before if before[key] != after[key]} == {card}
    assert after[card][0] == 0.65


def test_an_edit_of_the_file_is_part_of_evaluators_cache_key(copy: Path, tmp_path: Path) -> None:
    config = PipelineConfig(
        task=TASK,
        data=data.prepare(tmp_path),
        contract=TASK.contract,
        var=tmp_path,
        trainer=TrainerConfig(train_steps=1),
    )
    before = _parameters(config)
    edit(copy)
    after = _parameters(config)
    changed = {(node, name) for node in before for name in before[node] if before[node][name] != after[node].get(name)}
    assert changed == {("Evaluator", "eval_config")}


def _parameters(config: PipelineConfig) -> dict[str, dict[str, object]]:
    """Node -> its parameters, which TFX's cache key holds."""
    return {node.id: dict(node.exec_properties) for node in create_pipeline(config).components}


def test_what_is_said_of_the_payment_type_alone() -> None:
    rows = pd.DataFrame({"payment": [row["payment_type"] for row in ROWS], "label": [label(row) for row in ROWS]})
    share = rows.groupby("payment")["label"].transform("mean")
    found = {
        "ROC AUC": roc_auc_score(rows["label"], share),
        "log loss": log_loss(rows["label"], share.clip(1e-6, 1 - 1e-6)),
        "PR AUC": average_precision_score(rows["label"], share),
    }
    assert {name: f"{value:.3f}" for name, value in found.items()} == {
        "ROC AUC": "0.930",
        "log loss": "0.212",
        "PR AUC": "0.676",
    }
    text = " ".join(evaluation.SCOPING.read_text().split())
    assert "the payment type alone has ROC AUC 0.930 and log loss 0.212" in text
    assert "Above the payment type alone (0.676)" in text
    # What was agreed is worth having a model for.
    bounds = {threshold.where: threshold for threshold in read_scoping(evaluation.SCOPING).success.thresholds}
    assert bounds["AUC on overall"].at_least > found["ROC AUC"]
    assert bounds["AUCPrecisionRecall on overall"].at_least > found["PR AUC"]
    assert bounds["BinaryCrossEntropy on overall"].at_most < found["log loss"]
