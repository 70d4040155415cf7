"""What a model predicts for rows that it was evaluated on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.signatures import PREDICTIONS, SERVING_DEFAULT

_BATCH_ROWS = 1024


def predict(model: Path, records: Sequence[bytes]) -> np.ndarray | None:
    """Predicts, through the signature serving_default.

    Args:
        model: the SavedModel.
        records: serialized tf.Examples.

    Returns:
        float64 [records]; None for a model with more than one output, of which the log holds nothing.
    """
    loaded = tf.saved_model.load(str(model))
    signature = loaded.signatures[SERVING_DEFAULT]
    if int(signature.structured_outputs[PREDICTIONS].shape[-1]) != 1:
        return None
    parts = [
        signature(tf.constant(records[start : start + _BATCH_ROWS]))[PREDICTIONS].numpy()[:, 0]
        for start in range(0, len(records), _BATCH_ROWS)
    ]
    return np.concatenate([np.empty(0), *parts]).astype(np.float64)
