"""Read the transformed features and the model's layers that a run recorded. It loads neither TFX nor TensorFlow."""

import json
import zipfile
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipelines.nodes import TRAINER, TRANSFORM
from pipelines.runs.errors import RunError
from pipelines.runs.run import Run

_GRAPH_SCHEMA = ("transformed_metadata", "schema.pbtxt")  # in Transform's transform_graph
_TRAINED_MODEL = "trained.keras"  # in Trainer's model_run; not imported from components.signatures: it loads TensorFlow
_CONFIG = "config.json"  # in the file of a Keras model
_INPUT = "InputLayer"
_LEFT_OUT = frozenset({"name", "trainable", "dtype"})  # of a layer's settings


def read_features(run: Run) -> dict[str, str]:
    """Read the transformed features, including the label.

    Args:
        run: the run.

    Returns:
        Feature -> its type and shape, such as `FLOAT [1]`.

    Raises:
        RunError: The run ended before Transform, or the files were removed.
    """
    path = run.artifact(TRANSFORM, "transform_graph").joinpath(*_GRAPH_SCHEMA)
    if not path.is_file():
        raise RunError(f"no {path}: expected the schema of the transformed rows, which Transform writes.")
    schema = text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema())
    return {
        feature.name: f"{schema_pb2.FeatureType.Name(feature.type)} {[dim.size for dim in feature.shape.dim]}"
        for feature in schema.feature
    }


def read_layers(run: Run) -> dict[str, str]:
    """Read the layers of the trained Keras model, except the input layers, which are the features.

    Args:
        run: the run.

    Returns:
        Name -> class and settings, such as `Dense units=16`; empty if the model has no list of layers.

    Raises:
        RunError: The run did not train, or the files were removed.
    """
    path = run.artifact(TRAINER, "model_run") / _TRAINED_MODEL
    try:
        with zipfile.ZipFile(path) as stored:
            config = json.loads(stored.read(_CONFIG))
    except (OSError, KeyError, zipfile.BadZipFile, ValueError) as error:
        raise RunError(
            f"{path} cannot be read: expected the Keras model that Trainer writes, received {error}"
        ) from error
    layers = config.get("config", {}).get("layers", [])
    return {
        str(layer["config"].get("name", layer["class_name"])): _describe_layer(layer)
        for layer in layers
        if layer["class_name"] != _INPUT
    }


def _describe_layer(layer: dict[str, Any]) -> str:
    plain = {
        name: value
        for name, value in sorted(layer["config"].items())
        if isinstance(value, int | float | str) and name not in _LEFT_OUT
    }
    return " ".join([layer["class_name"], *(f"{name}={value}" for name, value in plain.items())])
