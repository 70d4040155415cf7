"""Call the model in this process, without a server: the baseline of a server's latency."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks.serving.phases import Quantiles
from serving.server.servable import Servable

OUTPUT = "predictions"  # of both serving signatures: float32 [rows, 1]

Arrays = Mapping[str, np.ndarray]


class BareModel:
    """One version, loaded in both ways that a server may load it.

    Args:
        version: the folder of the SavedModel.

    Raises:
        ServingError: The SavedModel cannot be loaded.
        OSError: The SavedModel cannot be read.
    """

    def __init__(self, version: Path):
        self._loaded = tf.saved_model.load(str(version))
        self._servable = Servable(version)

    def signature_call(self, signature: str) -> Callable[[Arrays], np.ndarray]:
        """Return a signature's call by tf.saved_model.load, arrays in and out."""
        function = self._loaded.signatures[signature]

        def call(arrays: Arrays) -> np.ndarray:
            return function(**{name: tf.constant(array) for name, array in arrays.items()})[OUTPUT].numpy()

        return call

    def session_call(self, signature: str) -> Callable[[Arrays], np.ndarray]:
        """Return the same call in a session, as the embedded server and TensorFlow Serving make it."""
        definition = self._servable.signatures[signature]
        return lambda arrays: self._servable.run(definition, arrays, [OUTPUT])[OUTPUT]

    def predictions(self, signature: str, arrays: Arrays) -> tuple[float, ...]:
        """Return the model's predictions, one value per row."""
        return tuple(self.session_call(signature)(arrays).ravel().tolist())


def timed(call: Callable[[Arrays], np.ndarray], requests: Sequence[Arrays], seconds: float) -> Quantiles:
    """Call for so many seconds, taking the requests in turn, after a tenth of that as warm-up."""
    turns = itertools.cycle(requests)
    for _ in _until(seconds / 10):
        call(next(turns))
    took = []
    for _ in _until(seconds):
        arrays = next(turns)
        start = time.perf_counter()
        call(arrays)
        took.append(time.perf_counter() - start)
    return Quantiles.of_seconds(took)


def _until(seconds: float) -> Iterator[None]:
    """Yield until the seconds are over; at least once."""
    end = time.perf_counter() + seconds
    yield
    while time.perf_counter() < end:
        yield
