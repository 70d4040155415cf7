"""Run concurrent requests as one batch, as --enable_batching asks.

While all batch threads are busy, new requests are queued. When a thread is free, a queued batch runs at once if it is
full, else after batch_timeout_micros. Requests share a batch only if they call the same outputs of the same model and
their rows have the same shape. If a batch fails, its requests run one by one, so that no request gets another's error.
(TensorFlow Serving lets all of them fail.)
"""

import asyncio
import dataclasses
import functools
import itertools
import os
from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import Executor

import grpc
import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2

from serving.server.config_messages_pb2 import BatchingParameters
from serving.server.errors import InvalidArgumentError, ServingError
from serving.server.servable import Servable

_DEFAULT_MAX_ENQUEUED_BATCHES = 10  # TensorFlow's SharedBatchScheduler
Arrays = dict[str, np.ndarray]


class DirectRunner:
    """Run each request by itself."""

    def __init__(self, threads: Executor):
        self._threads = threads

    async def run(
        self,
        servable: Servable,
        signature: meta_graph_pb2.SignatureDef,
        inputs: Mapping[str, np.ndarray],
        outputs: Sequence[str],
    ) -> Arrays:
        """Call a signature; see Servable.run."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, servable.run, signature, inputs, outputs)


@dataclasses.dataclass(eq=False)
class _Task:
    inputs: Mapping[str, np.ndarray]
    rows: int
    answer: asyncio.Future[Arrays]


@dataclasses.dataclass(eq=False)
class _Batch:
    number: int  # creation order: older batches have lower numbers
    servable: Servable
    signature: meta_graph_pb2.SignatureDef
    outputs: tuple[str, ...]
    tasks: list[_Task] = dataclasses.field(default_factory=list)
    rows: int = 0
    due: bool = False  # its timeout has passed


class BatchingRunner:
    """Run requests in batches. Use it from one event loop.

    Args:
        parameters: as returned by serving.server.config.checked_batching.
        threads: runs the batches.
    """

    def __init__(self, parameters: BatchingParameters, threads: Executor):
        self._max_rows = parameters.max_batch_size.value
        self._timeout = parameters.batch_timeout_micros.value / 1e6  # seconds
        self._idle_threads = parameters.num_batch_threads.value or os.cpu_count() or 1
        self._max_waiting = parameters.max_enqueued_batches.value or _DEFAULT_MAX_ENQUEUED_BATCHES
        self._allowed_rows = list(parameters.allowed_batch_sizes) or None
        self._threads = threads
        self._numbers = itertools.count()
        self._open: dict[Hashable, _Batch] = {}  # batches that still take tasks, oldest first
        self._full: deque[_Batch] = deque()

    async def run(
        self,
        servable: Servable,
        signature: meta_graph_pb2.SignatureDef,
        inputs: Mapping[str, np.ndarray],
        outputs: Sequence[str],
    ) -> Arrays:
        """Call a signature, in a batch with other requests; see Servable.run.

        Args:
            servable: the model's version.
            signature: one of its signatures.
            inputs: an array for each input; the 0th dimension is the rows.
            outputs: the names to compute.

        Returns:
            The rows of this request in each output, by name.

        Raises:
            InvalidArgumentError: The inputs differ in their 0th dimension, or have more rows than max_batch_size.
            ServingError: As Servable.run; or the queue is full.
        """
        loop = asyncio.get_running_loop()
        if not inputs:
            return await loop.run_in_executor(self._threads, servable.run, signature, inputs, outputs)
        rows = _rows(inputs)
        if rows > self._max_rows:
            raise InvalidArgumentError(f"Task size {rows} is larger than maximum input batch size {self._max_rows}")
        task = _Task(inputs, rows, loop.create_future())
        self._enqueue(_Batch(next(self._numbers), servable, signature, tuple(outputs)), task)
        # Start after the other callbacks that are ready: requests that arrived together share a batch.
        loop.call_soon(self._start_what_can_run)
        return await task.answer

    def _enqueue(self, fresh: _Batch, task: _Task) -> None:
        shapes = tuple((name, array.shape[1:]) for name, array in sorted(task.inputs.items()))
        key = (id(fresh.servable), id(fresh.signature), fresh.outputs, shapes)
        batch = self._open.get(key)
        if batch and batch.rows + task.rows > self._max_rows:
            del self._open[key]
            self._full.append(batch)
            batch = None
        if batch is None:
            if self._waiting(fresh) >= self._max_waiting:
                self._start_what_can_run()
            if self._waiting(fresh) >= self._max_waiting:
                raise ServingError(
                    grpc.StatusCode.UNAVAILABLE,
                    f"The batch scheduling queue to which this task was submitted is full: {self._max_waiting} batches",
                )
            batch = self._open[key] = fresh
            if self._timeout:
                asyncio.get_running_loop().call_later(self._timeout, self._mark_due, batch)
            else:
                batch.due = True
        batch.tasks.append(task)
        batch.rows += task.rows

    def _mark_due(self, batch: _Batch) -> None:
        batch.due = True
        self._start_what_can_run()

    def _start_what_can_run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._idle_threads and (batch := self._next()):
            self._idle_threads -= 1
            done = loop.run_in_executor(self._threads, self._answer, batch)
            done.add_done_callback(functools.partial(self._finish, batch))

    def _waiting(self, batch: _Batch) -> int:
        """Return how many batches wait for the same signature of the same model."""
        same = [waiting.signature is batch.signature for waiting in (*self._full, *self._open.values())]
        return sum(same)

    def _next(self) -> _Batch | None:
        """Take the oldest batch that can run, so that no request starves behind busier signatures."""
        ready = ((key, batch) for key, batch in self._open.items() if batch.due or batch.rows >= self._max_rows)
        key, batch = next(ready, (None, None))
        if self._full and (batch is None or self._full[0].number < batch.number):
            return self._full.popleft()
        return self._open.pop(key) if batch else None

    def _finish(self, batch: _Batch, done: "asyncio.Future[list[Arrays | Exception]]") -> None:
        self._idle_threads += 1
        error = done.exception()
        answers = [error] * len(batch.tasks) if error else done.result()
        for task, answer in zip(batch.tasks, answers, strict=True):
            if task.answer.done():  # its client is gone
                continue
            if isinstance(answer, BaseException):
                task.answer.set_exception(answer)
            else:
                task.answer.set_result(answer)
        self._start_what_can_run()

    def _answer(self, batch: _Batch) -> list[Arrays | Exception]:
        """Return the answer of each task. Runs in a batch thread."""
        try:
            return self._run_together(batch)
        except Exception as error:
            if len(batch.tasks) == 1:
                return [error]
        return [self._run_alone(batch, task) for task in batch.tasks]

    def _run_alone(self, batch: _Batch, task: _Task) -> Arrays | Exception:
        try:
            (answer,) = self._run_together(dataclasses.replace(batch, tasks=[task], rows=task.rows))
        except Exception as error:
            return error
        return answer

    def _run_together(self, batch: _Batch) -> list[Arrays | Exception]:
        padding = self._padding(batch.rows)
        inputs = {}
        for name in batch.tasks[0].inputs:
            parts = [task.inputs[name] for task in batch.tasks]
            if padding:
                first = next(part for part in parts if len(part))
                parts.append(np.repeat(first[:1], padding, axis=0))
            inputs[name] = np.concatenate(parts) if len(parts) > 1 else parts[0]
        outputs = batch.servable.run(batch.signature, inputs, batch.outputs)
        for name, array in outputs.items():
            if array.shape[:1] != (batch.rows + padding,):
                raise ServingError(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    f"Batched output {name} has shape {array.shape}: its 0th dimension does not equal the sum of the "
                    f"0th dimension sizes of the input tensors, {batch.rows + padding}",
                )
        ends = np.cumsum([task.rows for task in batch.tasks])
        return [
            {name: array[end - task.rows : end] for name, array in outputs.items()}
            for task, end in zip(batch.tasks, ends, strict=True)
        ]

    def _padding(self, rows: int) -> int:
        """Return the rows to add up to the next allowed size; 0 for an empty batch, which has no row to repeat."""
        if not self._allowed_rows or not rows:
            return 0
        return next(size for size in self._allowed_rows if size >= rows) - rows


def _rows(inputs: Mapping[str, np.ndarray]) -> int:
    if any(array.ndim == 0 for array in inputs.values()):
        raise InvalidArgumentError("Batching Run() input tensors must have at least one dimension")
    sizes = {len(array) for array in inputs.values()}
    if len(sizes) > 1:
        raise InvalidArgumentError(
            f"Batching Run() input tensors must have equal 0th-dimension size; they have {sorted(sizes)}"
        )
    return sizes.pop()
