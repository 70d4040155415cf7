"""From options and a task to a PipelineConfig."""

import dataclasses
from pathlib import Path
from typing import NoReturn

import pytest
from google.protobuf import text_format
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils.keras_lib import tf_keras

from components.csv_example_gen.csv_files import SourceError
from pipelines.config import ConfigError, PipelineConfig, TrainerConfig, TrainerOptions
from pipelines.options import RunOptions
from pipelines.resolution import checked_eval_config, contract_copy, resolve
from serving.signing.keys import write_pair
from tests.tasks.diabetes.task import TASK


def resolved(tmp_path: Path, **options: object) -> PipelineConfig:
    (tmp_path / "rows.csv").write_text("a\n1\n")
    return resolve(RunOptions(data=tmp_path / "rows.csv", var=tmp_path / "var", **options), TASK)


def test_everything_lies_below_var(tmp_path: Path) -> None:
    config = resolved(tmp_path)
    assert config.artifacts == tmp_path / "var" / "artifacts" / "diabetes"
    assert config.metadata == tmp_path / "var" / "metadata.sqlite"
    assert config.serving == tmp_path / "var" / "serving" / "diabetes"
    assert config.contract.parent == tmp_path / "var" / "contracts" / "diabetes"
    assert (config.csv.folder, config.csv.pattern) == (str(tmp_path), "rows.csv")


def test_a_push_elsewhere(tmp_path: Path) -> None:
    config = resolved(tmp_path, push_to=tmp_path / "production")
    assert config.serving == tmp_path / "production" / "diabetes"
    assert config.artifacts == tmp_path / "var" / "artifacts" / "diabetes"


def test_a_key_to_sign_with(tmp_path: Path) -> None:
    private = tmp_path / "signing.pem"
    key_id = write_pair(private, tmp_path / "public.pem")
    assert resolved(tmp_path, sign=private).signing == {"file": str(private), "key_id": key_id}
    by_command = resolved(tmp_path, sign=tmp_path / "public.pem", sign_command="kms sign")
    assert by_command.signing == {"file": str(tmp_path / "public.pem"), "command": "kms sign", "key_id": key_id}
    assert resolved(tmp_path).signing is None
    with pytest.raises(ConfigError, match=r"^--sign: .*none\.pem: expected a private key, received: No such file"):
        resolved(tmp_path, sign=tmp_path / "none.pem")
    with pytest.raises(ConfigError, match=r"^--sign-command: expected --sign with it"):
        resolved(tmp_path, sign_command="kms sign")


def test_training_as_it_was_asked_for(tmp_path: Path) -> None:
    asked = TrainerOptions(distribute="none", mixed_precision=True, warm_start=True)
    config = resolved(tmp_path, trainer=asked, train_steps=7)
    assert config.trainer == TrainerConfig(distribute="none", mixed_precision=True, warm_start=True, train_steps=7)
    assert config.trainer_custom_config["settings"] == dataclasses.asdict(config.trainer)
    assert resolved(tmp_path).trainer == TrainerConfig(train_steps=TASK.train_steps)


def test_no_rows(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nothing\.csv: no such file or folder"):
        resolve(RunOptions(data=tmp_path / "nothing.csv", var=tmp_path), TASK)


def test_a_time_limit_below_a_second(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^time limit: expected 1 s or more, received 0$"):
        dataclasses.replace(resolved(tmp_path), time_limit=0)


def test_the_contract_has_another_path_when_it_says_something_else(tmp_path: Path) -> None:
    first = contract_copy(TASK, tmp_path)
    written = first.stat().st_mtime_ns, first.stat().st_ino
    assert first == contract_copy(TASK, tmp_path)
    # Not written again: a node in another process may be reading it.
    assert (first.stat().st_mtime_ns, first.stat().st_ino) == written
    first.write_bytes(b"damaged")
    contract_copy(TASK, tmp_path)
    assert first.read_bytes() == TASK.contract.read_bytes()
    edited = tmp_path / "edited.pbtxt"
    edited.write_bytes(TASK.contract.read_bytes() + b"# a word more\n")
    fields = {name: getattr(TASK, name) for name in TASK.__dataclass_fields__}
    second = contract_copy(type(TASK)(**fields | {"contract": edited}), tmp_path)
    assert second.parent == first.parent
    assert second.name != first.name


def eval_config(threshold: str) -> config_pb2.EvalConfig:
    return text_format.Parse(
        f'model_specs {{ label_key: "y" }} metrics_specs {{ metrics {{ class_name: "AUC" {threshold} }} }}',
        config_pb2.EvalConfig(),
    )


@pytest.mark.parametrize(
    "threshold",
    [
        "threshold { value_threshold { lower_bound { value: 0.5 } } }",
        "threshold { change_threshold { absolute { value: 0.1 } } }",
        "per_slice_thresholds { slicing_specs {} threshold { value_threshold { lower_bound { value: 0.5 } } } }",
        "cross_slice_thresholds { threshold { value_threshold { lower_bound { value: 0.5 } } } }",
    ],
)
def test_one_threshold_will_do(threshold: str) -> None:
    config = eval_config(threshold)
    assert checked_eval_config(config) is config


def test_a_threshold_beside_the_metrics_will_do() -> None:
    config = eval_config("")
    config.metrics_specs[0].thresholds["auc"].value_threshold.lower_bound.value = 0.5
    assert checked_eval_config(config) is config


def test_the_check_makes_no_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of Keras compute with TensorFlow when they are made, and a process that has computed cannot be forked."""

    def refuse(*args: object, **kwargs: object) -> NoReturn:
        raise AssertionError("a metric was made")

    monkeypatch.setattr(tf_keras.metrics.BinaryCrossentropy, "__init__", refuse)
    config = eval_config("threshold { value_threshold { lower_bound { value: 0.5 } } }")
    config.metrics_specs[0].metrics[0].class_name = "BinaryCrossentropy"
    assert checked_eval_config(config) is config


def test_a_metric_that_there_is_not() -> None:
    config = eval_config("threshold { value_threshold { lower_bound { value: 0.5 } } }")
    config.metrics_specs[0].metrics[0].class_name = "BinaryAcuracy"
    with pytest.raises(ConfigError, match=r"metric 'BinaryAcuracy', .* did you mean 'BinaryAccuracy'\?"):
        checked_eval_config(config)


@pytest.mark.parametrize("threshold", ["", "threshold {}"])
def test_no_threshold(threshold: str) -> None:
    with pytest.raises(ConfigError) as error:
        checked_eval_config(eval_config(threshold))
    assert str(error.value) == (
        "the EvalConfig has no threshold, so no model could ever be blessed: expected at least one value threshold, "
        "received none; add one to the task's scoping.toml."
    )
