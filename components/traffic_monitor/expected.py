"""Predict the rows that a model was evaluated on."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from components.signatures import PREDICTIONS, SERVING_DEFAULT

_BATCH_ROWS = 1024


def predict(model: str, records: Sequence[bytes]) -> np.ndarray:
    """Predict records with the signature serving_default.

    Args:
        model: folder of the SavedModel.
        records: serialized tf.Examples.

    Returns:
        float64 [records, outputs].
    """
    loaded = tf.saved_model.load(model)
    signature = loaded.signatures[SERVING_DEFAULT]
    outputs = int(signature.structured_outputs[PREDICTIONS].shape[-1])
    parts = [
        signature(tf.constant(records[start : start + _BATCH_ROWS]))[PREDICTIONS].numpy()
        for start in range(0, len(records), _BATCH_ROWS)
    ]
    return np.concatenate([np.empty((0, outputs)), *parts]).astype(np.float64)
