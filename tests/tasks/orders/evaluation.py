"""Metrics and thresholds of the orders task."""

from google.protobuf import text_format
from tensorflow_model_analysis.proto import config_pb2

from tests.tasks.orders.preprocessing import LABEL


def make_eval_config() -> config_pb2.EvalConfig:
    """ROC AUC above that of a guess, overall and by channel."""
    return text_format.Parse(
        f"""
        model_specs {{
          signature_name: "serving_default" label_key: "{LABEL}"
        }}
        slicing_specs {{}}
        slicing_specs {{ feature_keys: "channel" }}
        metrics_specs {{
          metrics {{ class_name: "ExampleCount" }}
          metrics {{
            class_name: "AUC" threshold {{ value_threshold {{ lower_bound {{ value: 0.6 }} }} }}
          }}
          metrics {{ class_name: "BinaryCrossEntropy" }}
          metrics {{ class_name: "Calibration" }}
        }}
        """,
        config_pb2.EvalConfig(),
    )
