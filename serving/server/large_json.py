"""Large bodies, read in processes of their own.

Python's JSON parser holds the interpreter's lock for as long as it runs, in a thread as well: 99 MB stalled every other
request for 7 s. A process reads one body at a time, which bounds the memory. There is one for very large bodies, for
which the others need not wait; it ends after each, which gives the memory back.
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
_MOST_MEBIBYTES = 2048  # of the process: what JSON becomes in Python takes up to 30 times its bytes
_VERY_LARGE = 8 * 2**20  # bytes; what is larger takes seconds


class LargeJson:
    """Both processes."""

    def __init__(self) -> None:
        self._large, self._very_large = JsonProcess(), JsonProcess(lasting=False)

    def of(self, body: bytes) -> "JsonProcess":
        """Return what reads a body of this size."""
        return self._large if len(body) <= _VERY_LARGE else self._very_large

    def close(self) -> None:
        """End the processes."""
        self._large.close()
        self._very_large.close()


class JsonProcess:
    """One process, started with the first body; used from one event loop.

    Args:
        most_mebibytes: that it may take.
        lasting: reads one body after another; otherwise it ends with each.
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
        """See json_examples.parse_examples."""
        async with self._reading():
            name, serialized = await self._ask(json_child.EXAMPLES, body)
            return str(name), bytes(serialized)

    @contextlib.asynccontextmanager
    async def predict(self, body: bytes) -> AsyncIterator["LargePredictBody"]:
        """Read a body of Predict; yields it. Other large bodies wait until the block ends, or it has its tensors.

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
                # Of a request that was given up the answer may still come: it must not be taken for another's.
                if not keep:
                    self._end()

    async def tensors(self, inputs: Mapping[str, TensorType]) -> dict[str, np.ndarray]:
        """Return the tensors of the body that was read last."""
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
                start_new_session=True,  # Ctrl-C is for the server, which first answers what it has begun
            )
        return self._process

    def _end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


class LargePredictBody:
    """The counterpart of json_tensors.PredictBody, whose document is in the other process."""

    def __init__(self, signature_name: str, rows: bool, reader: JsonProcess, turn: contextlib.AsyncExitStack):
        self.signature_name = signature_name
        self.rows = rows
        self._reader = reader
        self._turn = turn

    async def tensors(self, inputs: Mapping[str, TensorType]) -> dict[str, np.ndarray]:
        """See PredictBody.tensors. The next large body can be read from then on."""
        arrays = await self._reader.tensors(inputs)
        await self._turn.aclose()
        return arrays


def _exchange(process: subprocess.Popen[bytes], kind: str, argument: bytes) -> tuple[str, str, Any]:
    """Send a request and wait for its answer, in a thread; both give up the interpreter's lock.

    Raises:
        ServingError: UNAVAILABLE; the process ended, as the system does for lack of memory.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        json_child.write_frame(process.stdin, kind.encode())
        json_child.write_frame(process.stdin, argument)
        answer: tuple[str, str, Any] = pickle.loads(json_child.read_frame(process.stdout))
    except (OSError, EOFError, ValueError) as error:
        raise ServingError(
            grpc.StatusCode.UNAVAILABLE, "The body was being read when its process ended: send fewer rows at a time."
        ) from error
    return answer
