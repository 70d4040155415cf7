"""What is computed of a taxi model on the eval split. What it has to reach stands in scoping.toml."""

from pathlib import Path

from tensorflow_model_analysis.proto import config_pb2

from pipelines.evaluation import eval_config
from pipelines.task_definition.scoping import read_scoping
from pipelines.tasks.taxi.features import LABEL

SCOPING = Path(__file__).with_name("scoping.toml")
# Raw columns whose every value is looked at by itself.
SLICES = ("payment_type", "trip_start_hour", "company")
METRICS = ("AUC", "AUCPrecisionRecall", "BinaryCrossEntropy", "Calibration", "BinaryAccuracy", "ExampleCount")


def make_eval_config() -> config_pb2.EvalConfig:
    """What the Evaluator computes, and what blesses.

    Raises:
        ScopingError: scoping.toml has a mistake, or a threshold on what is not computed.
    """
    success = read_scoping(SCOPING).success
    return eval_config.make_eval_config(success, label=LABEL, slices=SLICES, metrics=METRICS)
