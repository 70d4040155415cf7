"""One loaded version of a model: a SavedModel in a session, as TensorFlow Serving runs it."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2

from serving.server.errors import InvalidArgumentError, ServingError

SERVE_TAG = "serve"
_STATUS_BY_NUMBER = {code.value[0]: code for code in grpc.StatusCode}


class Servable:
    """Run the signatures of one SavedModel. Thread-safe.

    It uses a session instead of tf.saved_model.load: then every model that loads here loads in TensorFlow Serving, too,
    and a call takes half the time (0.45 ms against 0.98 ms for one row of the taxi model, arrays in and out).

    Args:
        path: the folder of the SavedModel.

    Attributes:
        signature_defs: all signatures of the SavedModel, by name.
        signatures: the signatures that can be called; TensorFlow keeps the others (`__saved_model_init_op`) for itself.
        inputs: the TensorInfo of each input, by signature and name.

    Raises:
        ServingError: The SavedModel cannot be loaded; the message says why.
    """

    def __init__(self, path: Path):
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        try:
            meta_graph = tf.compat.v1.saved_model.loader.load(self._session, [SERVE_TAG], str(path))
        except tf.errors.OpError as error:
            self._session.close()
            raise ServingError(_code_of(error), error.message) from error
        except Exception as error:  # a broken file makes TensorFlow raise anything, from KeyError to DecodeError
            self._session.close()
            raise ServingError(
                grpc.StatusCode.NOT_FOUND if isinstance(error, OSError) else grpc.StatusCode.INTERNAL,
                f"{path} holds no SavedModel that can be loaded: {type(error).__name__}: {error}",
            ) from error
        self.signature_defs: Mapping[str, meta_graph_pb2.SignatureDef] = dict(meta_graph.signature_def)
        self.signatures = {
            name: signature for name, signature in self.signature_defs.items() if not name.startswith("__")
        }
        # Convert the protos' maps to dicts, which are ten times as fast to iterate.
        self.inputs = {name: dict(signature.inputs) for name, signature in self.signatures.items()}
        self._calls: dict[tuple[tuple[str, ...], tuple[str, ...]], Callable[..., list[np.ndarray]]] = {}
        self._making = threading.Lock()
        self._closed = False

    def run(
        self, signature: meta_graph_pb2.SignatureDef, inputs: Mapping[str, np.ndarray], outputs: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """Call a signature.

        Args:
            signature: one of `signatures`.
            inputs: an array for each input, of the signature's dtype (strings: object arrays of bytes).
            outputs: the names to compute; if empty, nothing is run.

        Returns:
            The array of each output, by name.

        Raises:
            InvalidArgumentError: The model refused a value that is not UTF-8; the message is TensorFlow's.
            ServingError: The model failed with another error; code and message are TensorFlow's.
        """
        if not outputs:
            return {}
        names, wanted = sorted(inputs), sorted(outputs)  # one callable, whatever the order of the names
        try:
            call = self._call(
                tuple(signature.inputs[name].name for name in names),
                tuple(signature.outputs[name].name for name in wanted),
            )
            values = call(*(inputs[name] for name in names))
        except tf.errors.OpError as error:
            if self._closed:  # the server unloaded the version, and TensorFlow reports a cancelled call
                raise ServingError(grpc.StatusCode.UNAVAILABLE, f"The version was unloaded: {error.message}") from error
            raise ServingError(_code_of(error), error.message) from error
        except UnicodeDecodeError as error:
            # TensorFlow's message quotes a value of the request that is not UTF-8. Its Python binding fails to decode
            # the message and loses the code. A message that quotes a value complains about it, so the code is
            # INVALID_ARGUMENT.
            raise InvalidArgumentError(error.object.decode(errors="replace")) from error
        except MemoryError as error:
            raise ServingError(
                grpc.StatusCode.RESOURCE_EXHAUSTED, "There is not enough memory for the answer: send fewer rows."
            ) from error
        return {name: _as_array(value) for name, value in zip(wanted, values, strict=True)}

    def close(self) -> None:
        """Free the model's memory; cancel calls that are still running."""
        self._closed = True
        self._session.close()
        self._calls.clear()

    def _call(self, feeds: tuple[str, ...], fetches: tuple[str, ...]) -> Callable[..., list[np.ndarray]]:
        key = feeds, fetches
        with self._making:
            if key not in self._calls:
                # Session.make_callable checks each feed's shape in Python. That costs twice the time, and differs from
                # TensorFlow Serving, which leaves the check to the operations.
                options = config_pb2.CallableOptions(feed=feeds, fetch=fetches)
                self._calls[key] = self._session._make_callable_from_options(options)
            return self._calls[key]


def _as_array(value: np.ndarray | np.generic | bytes) -> np.ndarray:
    """Return an array: a session returns a tensor without dimensions as a scalar, or bytes for a string."""
    return np.array(value, dtype=object) if isinstance(value, bytes) else np.asarray(value)


def _code_of(error: tf.errors.OpError) -> grpc.StatusCode:
    return _STATUS_BY_NUMBER.get(error.error_code, grpc.StatusCode.UNKNOWN)
