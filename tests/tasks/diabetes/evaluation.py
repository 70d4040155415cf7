"""Metrics and thresholds of the diabetes task."""

from google.protobuf import text_format
from tensorflow_model_analysis.proto import config_pb2

from tests.tasks.diabetes.preprocessing import LABEL


def make_eval_config() -> config_pb2.EvalConfig:
    """Mean squared error below what the mean predicts (about 5,900), overall and per sex."""
    return text_format.Parse(
        f"""
        model_specs {{ signature_name: "serving_default" label_key: "{LABEL}" }}
        slicing_specs {{}}
        slicing_specs {{ feature_keys: "sex" }}
        metrics_specs {{
          metrics {{ class_name: "ExampleCount" }}
          metrics {{
            class_name: "MeanSquaredError"
            threshold {{
              value_threshold {{ upper_bound {{ value: 5500 }} }}
              change_threshold {{ direction: LOWER_IS_BETTER absolute {{ value: 200 }} }}
            }}
          }}
        }}
        """,
        config_pb2.EvalConfig(),
    )
