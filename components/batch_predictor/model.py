"""Run the signature `serving_raw` of an exported model, which the gateway calls too, on columns."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import tensorflow as tf

from components.signatures import PREDICTIONS, SERVING_RAW, check_signatures
from serving.contract import Contract, Kind

BATCH_ROWS = 8192  # rows per call; more are no faster


class RawSignature:
    """The signature `serving_raw` of a loaded SavedModel."""

    def __init__(self, model: Path) -> None:
        """Load the model.

        Raises:
            SignatureError: There is no SavedModel, or it lacks a signature.
        """
        check_signatures(model)
        self._loaded = tf.saved_model.load(str(model))  # kept, since the signature holds only a weak reference to it
        self._signature = self._loaded.signatures[SERVING_RAW]
        self.outputs = int(self._signature.structured_outputs[PREDICTIONS].shape[-1])

    def predict(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Predict rows.

        Args:
            inputs: result of `to_inputs`.

        Returns:
            The predictions, float32 [rows, outputs].
        """
        rows = len(next(iter(inputs.values())))
        parts = [
            self._signature(
                **{name: tf.constant(values[begin : begin + BATCH_ROWS]) for name, values in inputs.items()}
            )[PREDICTIONS].numpy()
            for begin in range(0, rows, BATCH_ROWS)
        ]
        return np.concatenate([np.empty((0, self.outputs), np.float32), *parts])


def to_inputs(contract: Contract, columns: Mapping[str, pa.Array]) -> dict[str, np.ndarray]:
    """Return columns as `serving_raw` takes them, with the contract's values for "missing" instead of null.

    Args:
        contract: names and types of the features, and the values for "missing".
        columns: a column [rows] for each feature, as `convert_array` returns them.

    Returns:
        int64, float32 or bytes [rows] by feature.
    """
    missing = contract.missing
    inputs = {}
    for feature in contract.features:
        values = columns[feature.name]
        if feature.kind is Kind.BYTES:
            inputs[feature.name] = _to_bytes(values, missing.string.encode())
        elif pa.types.is_null(values.type):
            inputs[feature.name] = np.full(len(values), missing.number, feature.kind.value)
        else:
            spelled = pa.scalar(missing.number, values.type)
            inputs[feature.name] = values.fill_null(spelled).to_numpy().astype(feature.kind.value, copy=False)
    return inputs


def _to_bytes(values: pa.Array, missing: bytes) -> np.ndarray:
    if pa.types.is_null(values.type):
        return np.full(len(values), missing, object)
    different = np.array([*values.dictionary.to_pylist(), missing], object)
    texts: np.ndarray = different[values.indices.fill_null(len(different) - 1).to_numpy()]
    return texts
