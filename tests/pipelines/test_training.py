"""What create_pipeline refuses before anything runs."""

import pytest
from google.protobuf import text_format
from tensorflow_model_analysis.proto import config_pb2

from pipelines.config import ConfigError
from pipelines.training import checked_eval_config, dotted_path


def eval_config(threshold: str) -> config_pb2.EvalConfig:
    return text_format.Parse(
        f'model_specs {{ label_key: "y" }} metrics_specs {{ metrics {{ class_name: "AUC" {threshold} }} }}',
        config_pb2.EvalConfig(),
    )


@pytest.mark.parametrize(
    "threshold",
    [
        "threshold { value_threshold { lower_bound { value: 0.5 } } }",
        "per_slice_thresholds { slicing_specs {} threshold { value_threshold { lower_bound { value: 0.5 } } } }",
    ],
)
def test_one_threshold_will_do(threshold: str) -> None:
    config = eval_config(threshold)
    assert checked_eval_config(config) is config


def test_no_threshold() -> None:
    with pytest.raises(ConfigError) as error:
        checked_eval_config(eval_config(""))
    assert str(error.value) == (
        "the EvalConfig has no threshold, so no model could ever be blessed: expected at least one value threshold, "
        "received none; add one in the task's evaluation.py."
    )


def test_dotted_path() -> None:
    assert dotted_path(checked_eval_config) == "pipelines.training.checked_eval_config"
