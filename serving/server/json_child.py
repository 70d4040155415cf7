"""Parse large JSON in a separate process, so that parsing does not block the server's interpreter.

    python -m serving.server.json_child MEBIBYTES

It reads requests from standard input and writes answers to standard output, one at a time; `serving.server.large_json`
is the other side. It does not load TensorFlow. It ends when standard input ends, so a killed server leaves no process.
"""

import contextlib
import dataclasses
import os
import pickle
import resource
import sys
from typing import IO, Any

import grpc
import numpy as np

from serving.server.errors import ServingError
from serving.server.json_examples import parse_examples
from serving.server.json_tensors import PredictBody, parse_predict

PREDICT, EXAMPLES, TENSORS = "predict", "examples", "tensors"
_LENGTH_BYTES = 8
_STRINGS_TOGETHER = 4096  # unpacked at a time on the other side: each call holds the interpreter's lock there
_NICENESS = 5  # lower priority than other requests


@dataclasses.dataclass(frozen=True)
class InputType:
    """The part of a TensorInfo that parsing needs."""

    dtype: int


def write_frame(stream: IO[bytes], content: bytes) -> None:
    """Write a frame: its length, and its content."""
    stream.write(len(content).to_bytes(_LENGTH_BYTES, "big"))
    stream.write(content)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes:
    """Read a frame.

    Args:
        stream: the other process's output.

    Returns:
        The content.

    Raises:
        EOFError: The other process has ended.
    """
    length = stream.read(_LENGTH_BYTES)
    if len(length) < _LENGTH_BYTES:
        raise EOFError("the other process has ended")
    content = stream.read(int.from_bytes(length, "big"))
    if len(content) < int.from_bytes(length, "big"):
        raise EOFError("the other process has ended in the middle of a message")
    return content


def pack(arrays: dict[str, np.ndarray]) -> dict[str, tuple[tuple[int, ...], list[bytes]]]:
    """Return each array's shape and pickled values; strings are pickled in parts."""
    packed = {}
    for name, array in arrays.items():
        flat = array.ravel()
        step = _STRINGS_TOGETHER if array.dtype == object else max(len(flat), 1)
        parts = [flat[begin : begin + step] for begin in range(0, max(len(flat), 1), step)]
        packed[name] = array.shape, [pickle.dumps(part, protocol=5) for part in parts]
    return packed


def unpack(packed: dict[str, tuple[tuple[int, ...], list[bytes]]]) -> dict[str, np.ndarray]:
    """Return the arrays that `pack` packed."""
    arrays = {}
    for name, (shape, parts) in packed.items():
        flat = [pickle.loads(part) for part in parts]
        arrays[name] = (flat[0] if len(flat) == 1 else np.concatenate(flat)).reshape(shape)
    return arrays


class _Reader:
    """Answer requests; keep the body of the last Predict until its tensors are asked for."""

    def __init__(self) -> None:
        self._body: PredictBody | None = None

    def answer(self, kind: str, argument: Any) -> Any:
        if kind == TENSORS:
            assert self._body is not None
            body, self._body = self._body, None
            return pack(body.tensors({name: InputType(dtype) for name, dtype in argument.items()}))
        self._body = None
        if kind == EXAMPLES:
            return parse_examples(argument)
        self._body = parse_predict(argument)
        return self._body.signature_name, self._body.rows


def main() -> None:
    """Answer until standard input ends."""
    most = int(sys.argv[1]) * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    with contextlib.suppress(PermissionError):
        os.nice(_NICENESS)
    reader = _Reader()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            kind = read_frame(requests).decode()
            argument = read_frame(requests)
            try:
                value = reader.answer(kind, pickle.loads(argument) if kind == TENSORS else argument)
                answered = pickle.dumps(("", "", value), protocol=5)
            except ServingError as error:
                answered = pickle.dumps((error.code.name, error.message, None))
            except MemoryError:
                reader = _Reader()
                message = "The body takes too much memory to be read: send fewer rows at a time."
                answered = pickle.dumps((grpc.StatusCode.INVALID_ARGUMENT.name, message, None))
            del argument
            write_frame(answers, answered)


if __name__ == "__main__":
    main()
