"""Which operations lie upstream of an output, through the functions that a SavedModel is made of."""

from pathlib import Path

import pytest
import tensorflow as tf

from components.skew_gate.graph_operations import rounding_operations


class Model(tf.Module):
    """One signature, whose outputs share functions and have operations of their own."""

    @tf.function
    def inner(self, x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.math.log1p(x), tf.exp(y)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32), tf.TensorSpec([None], tf.float32)])
    def signature(self, x: tf.Tensor, y: tf.Tensor) -> dict[str, tf.Tensor]:
        logarithm, power = self.inner(x, tf.sin(y))
        return {
            "log": logarithm,
            "power": power,
            "sum": tf.reduce_sum(tf.stack([logarithm, power]), axis=0),
            "half": tf.cast(tf.exp(tf.cast(x, tf.half)), tf.float32),
            "plain": tf.sqrt(x) * 2,
            "float64": tf.cast(tf.math.log(tf.cast(x, tf.float64)), tf.float32),
            "whole": tf.cast(x, tf.int64) + 1,
            "either": tf.cond(x[0] > 0, lambda: tf.tanh(x), lambda: x),
        }


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("operations")
    model = Model()
    tf.saved_model.save(model, str(folder), signatures={"both": model.signature})
    return folder


def test_only_what_an_output_depends_on_is_named(model_dir: Path) -> None:
    assert rounding_operations(str(model_dir), "both") == {
        "log": ("Log1p",),
        "power": ("Exp", "Sin"),
        "sum": ("Log1p", "Exp", "Sin", "Sum"),
        "half": ("Exp", "half"),
        "plain": (),
        "float64": (),
        "whole": (),
        "either": ("Tanh",),
    }


def test_no_such_signature(model_dir: Path) -> None:
    with pytest.raises(KeyError, match="other"):
        rounding_operations(str(model_dir), "other")
