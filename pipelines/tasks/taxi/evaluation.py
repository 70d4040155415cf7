"""Define the metrics and slices that are computed for a taxi model; their thresholds are in scoping.toml."""

from pathlib import Path

from tensorflow_model_analysis.proto import config_pb2

from pipelines.evaluation import eval_config
from pipelines.task_definition.scoping import read_scoping
from pipelines.tasks.taxi.features import LABEL

SCOPING = Path(__file__).with_name("scoping.toml")
# Raw columns; each of their values is a slice.
SLICES = ("payment_type", "trip_start_hour", "company")
METRICS = ("AUC", "AUCPrecisionRecall", "BinaryCrossEntropy", "Calibration", "BinaryAccuracy", "ExampleCount")


def make_eval_config() -> config_pb2.EvalConfig:
    """Return the metrics, slices and thresholds of the Evaluator.

    Raises:
        ScopingError: scoping.toml is not valid, or has a threshold on a metric that is not computed.
    """
    success = read_scoping(SCOPING).success
    return eval_config.make_eval_config(success, label=LABEL, slices=SLICES, metrics=METRICS)
