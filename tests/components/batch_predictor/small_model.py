"""A model of two features whose predictions can be told by heart, with a contract, written in a moment."""

from pathlib import Path

import tensorflow as tf

from components.batch_predictor.job import PredictionJob
from components.signatures import PREDICTIONS, SERVING_DEFAULT, SERVING_RAW, TRANSFORM_FEATURES

CONTRACT = """
default_environment: "TRAINING"
default_environment: "SERVING"
annotation { tag: "missing_number:-9007199254740992" tag: "missing_string:" tag: "missing_cell:N/A" }
feature { name: "x" type: FLOAT presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }
  float_domain { min: 0 max: 1 } }
feature { name: "word" type: BYTES presence { min_count: 1 } value_count { min: 1 max: 1 } }
feature { name: "label" type: INT presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }
  not_in_environment: "SERVING" }
"""
VERSION = 7


def save(folder: Path, outputs: int = 1) -> Path:
    """Predicts x for one output, and 0 where a word is missing; of three, x stands first, then 1 - x, then 0.6."""

    @tf.function(autograph=False)
    def predict(x: tf.Tensor, word: tf.Tensor) -> dict[str, tf.Tensor]:
        known = tf.where(word == "", tf.zeros_like(x), x)
        columns = [known] if outputs == 1 else [x, 1 - x, tf.fill(tf.shape(x), 0.6)]
        return {PREDICTIONS: tf.stack(columns, axis=1)}

    specs = tf.TensorSpec([None], tf.float32, name="x"), tf.TensorSpec([None], tf.string, name="word")
    signature = predict.get_concrete_function(*specs)
    names = (SERVING_DEFAULT, SERVING_RAW, TRANSFORM_FEATURES)  # the others are looked for, and not asked
    tf.saved_model.save(tf.Module(), str(folder), signatures=dict.fromkeys(names, signature))
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "schema.pbtxt").write_text(CONTRACT)
    return folder


def job(model: Path, *files: Path, **more: object) -> PredictionJob:
    """A job of the one-output model, with a decision from 0.5 on."""
    told = {"threshold": 0.5} | more
    return PredictionJob(files=tuple(map(str, files)), model=model, version=VERSION, **told)  # type: ignore[arg-type]
