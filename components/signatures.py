"""Name the signatures that every exported model must have for clients, Evaluator and gates, and check them."""

from pathlib import Path

import tensorflow as tf
from tensorflow.python.saved_model import loader_impl

# examples: string [batch], serialized tf.Example without the label -> predictions.
SERVING_DEFAULT = "serving_default"
# One tensor [batch] per raw feature, missing values as in components.missing_rule -> the same predictions.
SERVING_RAW = "serving_raw"
# examples: string [batch], serialized tf.Example with the label -> every transformed feature, and the label.
TRANSFORM_FEATURES = "transform_features"
# predictions: float32 [batch], of a regression -> low, high and level, float32 [batch]. Optional.
INTERVAL = "interval"
REQUIRED = (SERVING_DEFAULT, SERVING_RAW, TRANSFORM_FEATURES)

# The one output of the two serving signatures: float32 [batch, outputs].
PREDICTIONS = "predictions"

# The trained Keras model, in the ModelRun artifact. SkewGate compares the exported model with it.
TRAINED_MODEL_FILE = "trained.keras"


class SignatureError(ValueError):
    """An exported model lacks a signature."""


def check_signatures(model_dir: str | Path) -> None:
    """Check that the SavedModel in `model_dir` has every signature in REQUIRED.

    Raises:
        SignatureError: There is no SavedModel, or it lacks a signature.
    """
    try:
        saved_model = loader_impl.parse_saved_model(str(model_dir))
    except OSError as error:
        raise SignatureError(
            f"run_fn left no SavedModel in {model_dir}: expected one with the signatures {', '.join(REQUIRED)}; "
            "end run_fn with pipelines.modeling.export.export_model."
        ) from error
    present = {name for graph in saved_model.meta_graphs for name in graph.signature_def}
    missing = [name for name in REQUIRED if name not in present]
    if missing:
        public = sorted(name for name in present if not name.startswith("__"))
        raise SignatureError(
            f"the exported model lacks the signature {', '.join(missing)}: expected {', '.join(REQUIRED)}, received "
            f"{', '.join(public) or 'none'}; end run_fn with pipelines.modeling.export.export_model."
        )


def input_specs(model_dir: str | Path, signature: str) -> dict[str, tf.TensorSpec]:
    """Return the inputs of a signature of the SavedModel in `model_dir`, by name.

    Raises:
        OSError: There is no SavedModel, or it cannot be read.
        SignatureError: The SavedModel lacks the signature.
    """
    for graph in loader_impl.parse_saved_model(str(model_dir)).meta_graphs:
        if signature in graph.signature_def:
            inputs = graph.signature_def[signature].inputs
            return {name: tf.TensorSpec(info.tensor_shape, info.dtype) for name, info in inputs.items()}
    raise SignatureError(f"the SavedModel in {model_dir} lacks the signature {signature}")
