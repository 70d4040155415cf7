"""The model called in this process, without a server: what a server's latency is held against."""

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
    """One version, loaded in both ways that a server may load it."""

    def __init__(self, version: Path):
        """Load the SavedModel in `version`.

        Raises:
            ServingError, OSError: It cannot be loaded.
        """
        self._loaded = tf.saved_model.load(str(version))
        self._servable = Servable(version)

    def signature_call(self, signature: str) -> Callable[[Arrays], np.ndarray]:
        """The call of a signature as tf.saved_model.load gives it, arrays in and out."""
        function = self._loaded.signatures[signature]

        def call(arrays: Arrays) -> np.ndarray:
            return function(**{name: tf.constant(array) for name, array in arrays.items()})[OUTPUT].numpy()

        return call

    def session_call(self, signature: str) -> Callable[[Arrays], np.ndarray]:
        """The same in a session, which is what the embedded server does, and TensorFlow Serving too."""
        definition = self._servable.signatures[signature]
        return lambda arrays: self._servable.run(definition, arrays, [OUTPUT])[OUTPUT]

    def predictions(self, signature: str, arrays: Arrays) -> tuple[float, ...]:
        """What the model says, one value per row."""
        return tuple(self.session_call(signature)(arrays).ravel().tolist())


def timed(call: Callable[[Arrays], np.ndarray], requests: Sequence[Arrays], seconds: float) -> Quantiles:
    """Call for so many seconds, taking the requests in turn, after a tenth of that to warm up."""
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
    """One turn at least."""
    end = time.perf_counter() + seconds
    yield
    while time.perf_counter() < end:
        yield
