"""Tiny versions of a model, and the contract that they are asked by."""

from pathlib import Path

CONTRACT = """
annotation { tag: "missing_number:-9007199254740992" tag: "missing_string:" }
default_environment: "TRAINING"
default_environment: "SERVING"
feature {
  name: "fare" type: FLOAT presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }
  float_domain { min: 0 max: 1000 } annotation { tag: "example:20" }
}
feature {
  name: "company" type: BYTES presence { min_fraction: 0.3 min_count: 1 } value_count { min: 0 max: 1 }
}
feature {
  name: "tip" type: FLOAT presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }
  not_in_environment: "SERVING"
}
"""


def save(folder: Path, scale: float, *, wants: str = "company", offset: float = 0, outputs: int = 1) -> None:
    """Writes a version: prediction = fare / 1000 * scale + offset, and a tenth more without a company.

    Args:
        folder: of the version.
        scale: of the prediction; NaN makes a model that answers with no number.
        wants: name of the input that is not fare.
        offset: of the prediction.
        outputs: how often it gives the prediction.
    """
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "fare"), tf.TensorSpec([None], tf.string, wants)])
    def predict(fare, other):
        missing = tf.cast(tf.equal(other, ""), tf.float32)
        prediction = tf.expand_dims(fare / 1000 * scale + offset + missing * 0.1, 1)
        return {"predictions": tf.repeat(prediction, outputs, axis=1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def predict_examples(examples):
        parsed = tf.io.parse_example(examples, {
            "fare": tf.io.FixedLenFeature([], tf.float32), "company": tf.io.FixedLenFeature([], tf.string, ""),
        })  # fmt: skip
        return predict(parsed["fare"], parsed["company"])

    signatures = {"serving_raw": predict, "serving_default": predict_examples}
    tf.saved_model.save(tf.Module(), str(folder), signatures=signatures)
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "schema.pbtxt").write_text(CONTRACT)
