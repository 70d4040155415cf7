"""A BentoML service of one SavedModel with adaptive batching, as in BentoML's guide.

The guide shows a class with a pydantic type for a row, a `batchable` method that gets the rows of concurrent requests,
and one worker per core. TensorFlow is called as in TensorFlow's guide.

The variable PEER_MODEL names the version's folder. benchmarks.serving.peer starts it with the Python of BentoML's
environment.
"""

import os
from pathlib import Path
from typing import Any

import bentoml
import numpy as np
import pydantic
import tensorflow as tf

from benchmarks.serving.peers.rows import dtypes, row_type
from benchmarks.serving.subject import CONTRACT
from serving import contract as contracts

_VERSION = Path(os.environ["PEER_MODEL"])
_CONTRACT = contracts.read(_VERSION / CONTRACT)
Row = row_type(_CONTRACT)
_DTYPES = dtypes(_CONTRACT)


class Prediction(pydantic.BaseModel):
    """The answer for one row."""

    probability: float


@bentoml.service(workers="cpu_count")
class Peer:
    """The service."""

    def __init__(self) -> None:
        self._model = tf.saved_model.load(str(_VERSION))
        self._signature = self._model.signatures["serving_raw"]

    # BentoML reads the annotation, whose class is made from the contract at run time: mypy cannot know it.
    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1000)
    def predict(self, rows: list[Row]) -> list[Prediction]:  # type: ignore[valid-type]
        """Predict the rows of all requests of a batch."""
        sent: list[dict[str, Any]] = [row.model_dump() for row in rows]  # type: ignore[attr-defined]
        tensors = {name: tf.constant([row[name] for row in sent], dtype) for name, dtype in _DTYPES.items()}
        found: np.ndarray = self._signature(**tensors)["predictions"].numpy()
        return [Prediction(probability=float(value)) for value in found.ravel()]
