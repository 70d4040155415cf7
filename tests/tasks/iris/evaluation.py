"""Metrics and thresholds of the iris task."""

from google.protobuf import text_format
from tensorflow_model_analysis.proto import config_pb2

from tests.tasks.iris.preprocessing import LABEL


def make_eval_config() -> config_pb2.EvalConfig:
    """More accurate than a constant, which is right for one flower in three."""
    return text_format.Parse(
        f"""
        model_specs {{ signature_name: "serving_default" label_key: "{LABEL}" }}
        slicing_specs {{}}
        metrics_specs {{
          metrics {{ class_name: "ExampleCount" }}
          metrics {{
            class_name: "SparseCategoricalAccuracy"
            threshold {{ value_threshold {{ lower_bound {{ value: 0.6 }} }} }}
          }}
          metrics {{ class_name: "SparseCategoricalCrossentropy" }}
        }}
        """,
        config_pb2.EvalConfig(),
    )
