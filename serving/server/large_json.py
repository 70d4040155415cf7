"""Parse large bodies in separate processes.

Python's JSON parser holds the interpreter's lock while it runs, in a thread as well: 99 MB stalled every other request
for 7 s. A process parses one body at a time, which limits the memory. A second process parses very large bodies, so
that the others need not wait for them. It ends after each body, which frees the memory.
"""

import asyncio
import contextlib
import pickle
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from serving.server import json_child
from serving.server.errors import ServingError
from serving.server.json_tensors import TensorType

_ROOT = Path(__file__).resolve().parents[2]
_MOST_MEBIBYTES = 2048  # of the process: parsed JSON takes up to 30 times its bytes
_VERY_LARGE = 8 * 2**20  # bytes; larger bodies take seconds


class LargeJson:
    """The two processes: for large and for very large bodies."""

    def __init__(self) -> None:
        self._large, self._very_large = JsonProcess(), JsonProcess(lasting=False)

    def of(self, body: bytes) -> "JsonProcess":
        """Return the process for a body of this size."""
        return self._large if len(body) <= _VERY_LARGE else self._very_large

    def close(self) -> None:
        """End the processes."""
        self._large.close()
        self._very_large.close()


class JsonProcess:
    """One process, started with the first body. Use it from one event loop.

    Args:
        most_mebibytes: the limit of the process's memory.
        lasting: whether it serves several bodies; otherwise it ends after each.
    """

    def __init__(self, most_mebibytes: int = _MOST_MEBIBYTES, *, lasting: bool = True):
        self._most = most_mebibytes
        self._lasting = lasting
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="large_json")
        self._process: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        """End the process."""
        self._end()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def examples(self, body: bytes) -> tuple[str, bytes]:
        """Parse a body of Classify or Regress; see json_examples.parse_examples."""
        async with self._reading():
            name, serialized = await self._ask(json_child.EXAMPLES, body)
            return str(name), bytes(serialized)

    @contextlib.asynccontextmanager
    async def predict(self, body: bytes) -> AsyncIterator["LargePredictBody"]:
        """Parse a body of Predict. Other large bodies wait until the block ends, or the tensors are read.

        Args:
            body: the request's body.

        Yields:
            The parsed body.

        Raises:
            ServingError: As json_tensors.parse_predict; or the body takes too much memory.
        """
        async with contextlib.AsyncExitStack() as turn:
            await turn.enter_async_context(self._reading())
            signature_name, rows = await self._ask(json_child.PREDICT, body)
            yield LargePredictBody(signature_name, rows, self, turn)

    @contextlib.asynccontextmanager
    async def _reading(self) -> AsyncIterator[None]:
        async with self._turn:
            keep = False
            try:
                yield
                keep = self._lasting
            except ServingError:
                keep = self._lasting
                raise
            finally:
                # A request that was given up may still be answered: end the process, so that no other request gets that
                # answer.
                if not keep:
                    self._end()

    async def tensors(self, inputs: Mapping[str, TensorType]) -> dict[str, np.ndarray]:
        """Return the tensors of the last parsed body."""
        dtypes = {name: int(info.dtype) for name, info in inputs.items()}
        packed = await self._ask(json_child.TENSORS, pickle.dumps(dtypes))
        return await asyncio.get_running_loop().run_in_executor(self._thread, json_child.unpack, packed)

    async def _ask(self, kind: str, argument: bytes) -> Any:
        asking = asyncio.get_running_loop().run_in_executor(self._thread, _exchange, self._started(), kind, argument)
        try:
            code, message, value = await asking
        except ServingError:
            self._end()
            raise
        if code:
            raise ServingError(grpc.StatusCode[code], message)
        return value

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-m", "serving.server.json_child", str(self._most)]
            self._process = subprocess.Popen(
                command,
                cwd=_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the server, which first answers the requests that it has
            )
        return self._process

    def _end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


class LargePredictBody:
    """The counterpart of json_tensors.PredictBody, with the document in the other process."""

    def __init__(self, signature_name: str, rows: bool, reader: JsonProcess, turn: contextlib.AsyncExitStack):
        self.signature_name = signature_name
        self.rows = rows
        self._reader = reader
        self._turn = turn

    async def tensors(self, inputs: Mapping[str, TensorType]) -> dict[str, np.ndarray]:
        """Return the tensors, and let the next large body be parsed; see PredictBody.tensors."""
        arrays = await self._reader.tensors(inputs)
        await self._turn.aclose()
        return arrays


def _exchange(process: subprocess.Popen[bytes], kind: str, argument: bytes) -> tuple[str, str, Any]:
    """Send a request and wait for its answer, in a thread; both release the interpreter's lock.

    Args:
        process: runs json_child.
        kind: of the request.
        argument: its content.

    Returns:
        The error's code and message, empty if there is none, and the value.

    Raises:
        ServingError: UNAVAILABLE; the process ended, for example killed for lack of memory.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        json_child.write_frame(process.stdin, kind.encode())
        json_child.write_frame(process.stdin, argument)
        answer: tuple[str, str, Any] = pickle.loads(json_child.read_frame(process.stdout))
    except (OSError, EOFError, ValueError) as error:
        raise ServingError(
            grpc.StatusCode.UNAVAILABLE, "The process that parsed the body ended: send fewer rows at a time."
        ) from error
    return answer
