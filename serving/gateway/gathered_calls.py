"""Gather rows of concurrent requests into one call of the model server.

A call costs the gateway and the server as much processor time for one row as for fifty. So while calls are running, the
rows of small requests for the same version are gathered, and sent together when a call ends. A single request does not
wait, and no request waits longer than `model.gather_seconds`.

A call for one request has that request's id and is part of its trace. A call for several has its own id. It is part of
the trace of one of them, with links to the others. If it fails, the log names the requests.
"""

import asyncio
import contextvars
import dataclasses
import functools
import secrets

import structlog

from serving import request_id
from serving.contract import Value
from serving.gateway.answers import Interval, Output
from serving.gateway.model_errors import InvalidResponseError, ModelError
from serving.gateway.predict_client import PredictClient
from serving.gateway.settings import ModelSettings
from serving.tracing.tracer import Tracer

_log = structlog.get_logger(__name__)

_CALLS_AT_ONCE = 2  # per version, before rows are gathered: one that the server computes, one on its way
# Average characters of a row; a request with more gets a separate call. So 64 rows stay below about 256 KiB, the size
# from which the model server parses JSON in another process.
_MOST_TEXT = 1000

Columns = dict[str, list[Value]]


@dataclasses.dataclass(eq=False)
class _Part:
    """The rows of one request."""

    columns: Columns
    rows: int
    answer: asyncio.Future[list[Output]]
    context: contextvars.Context  # holds the request's id and its trace


@dataclasses.dataclass(eq=False)
class _Version:
    """The calls of one version."""

    running: int = 0  # number of calls
    waiting: list[_Part] = dataclasses.field(default_factory=list)
    rows: int = 0  # of the waiting parts
    late: asyncio.TimerHandle | None = None  # sends the waiting parts


class GatheredCalls:
    """Ask the model server for several requests at once. Use it from one event loop.

    Args:
        server: the client.
        settings: the limits of gathered rows and of their wait.
        most: the limit of rows in one request, which the server accepts; no call has more.
        tracer: traces calls for several requests; None disables traces.
    """

    def __init__(self, server: PredictClient, settings: ModelSettings, most: int, tracer: Tracer | None = None):
        self._server = server
        self._tracer = tracer or Tracer()
        self._most = min(settings.gather_rows, most)
        self._seconds = settings.gather_seconds
        self._versions: dict[str, _Version] = {}  # versions that are being asked
        self._running: dict[asyncio.Task[None], list[_Part]] = {}  # calls

    async def predict(self, version: str, columns: Columns, *, alone: bool = False) -> list[Output]:
        """Predict rows, maybe in a call with other requests; see PredictClient.predict.

        Each request of a failed call gets the error.

        Args:
            version: the version's number.
            columns: one per feature, with the contract's markers for missing values.
            alone: whether the request gets a separate call.

        Returns:
            One output per row.

        Raises:
            CancelledError: The request was cancelled.
        """
        rows = len(next(iter(columns.values())))
        if alone or rows >= self._most or _text(columns) > _MOST_TEXT * rows:
            return await self._server.predict(version, columns)
        part = _Part(columns, rows, asyncio.get_running_loop().create_future(), contextvars.copy_context())
        try:
            self._wait(version, part)
            return await part.answer
        except asyncio.CancelledError:
            self._leave(part)
            raise
        finally:
            del part  # it holds the error, which holds this frame: a cycle would keep the rows until a rare collection

    def _wait(self, version: str, part: _Part) -> None:
        """Queue a part for the next call."""
        loop = asyncio.get_running_loop()
        calls = self._versions.setdefault(version, _Version())
        if calls.rows + part.rows > self._most:
            self._send(version, calls)
        if not calls.waiting:
            # Send after the other callbacks that are ready: requests that arrived together share a call.
            loop.call_soon(self._send_if_free, version, calls)
            calls.late = loop.call_later(self._seconds, self._send, version, calls)
        calls.waiting.append(part)
        calls.rows += part.rows

    def interval_of(self, version: str) -> Interval | None:
        """Return the interval of a version; see PredictClient.interval_of."""
        return self._server.interval_of(version)

    def _send_if_free(self, version: str, calls: _Version) -> None:
        if calls.waiting and calls.running < _CALLS_AT_ONCE:
            self._send(version, calls)

    def _send(self, version: str, calls: _Version) -> None:
        """Send the waiting parts, except those whose requests were given up."""
        parts = [part for part in calls.waiting if not part.answer.done()]
        calls.waiting, calls.rows = [], 0
        if calls.late:
            calls.late.cancel()
            calls.late = None
        if parts:
            calls.running += 1
            context = parts[0].context.copy()  # not the context of the current caller
            task = asyncio.get_running_loop().create_task(self._answer(version, parts), context=context)
            self._running[task] = parts
            task.add_done_callback(functools.partial(self._end, version, calls))
        elif not calls.running:
            self._versions.pop(version, None)

    def _end(self, version: str, calls: _Version, task: asyncio.Task[None]) -> None:
        del self._running[task]
        calls.running -= 1
        if calls.waiting:
            self._send(version, calls)
        elif not calls.running:
            self._versions.pop(version, None)

    def _leave(self, part: _Part) -> None:
        """Cancel the call of a part that was given up, unless others wait for it."""
        for task, parts in self._running.items():
            if part in parts and all(other.answer.done() for other in parts):
                task.cancel()

    async def _answer(self, version: str, parts: list[_Part]) -> None:
        """Answer each part; a fault in one part does not fail the others."""
        try:
            found = await self._ask(version, parts)
        except InvalidResponseError as error:
            if len(parts) == 1:
                _fail(parts, error)
            else:
                _log_failure(parts, error)
                create_task = asyncio.get_running_loop().create_task
                alone = (create_task(self._answer(version, [part]), context=part.context.copy()) for part in parts)
                await asyncio.gather(*alone)
        except asyncio.CancelledError:  # the gateway shuts down
            for part in parts:
                part.answer.cancel()
            raise
        except Exception as error:
            _log_failure(parts, error)
            _fail(parts, error)
        else:
            begin = 0
            for part in parts:
                if not part.answer.done():
                    part.answer.set_result(found[begin : begin + part.rows])
                begin += part.rows

    async def _ask(self, version: str, parts: list[_Part]) -> list[Output]:
        if len(parts) == 1:
            return await self._server.predict(version, parts[0].columns)
        request_id.current.set(secrets.token_hex(12))
        with self._tracer.shared_call("gathered call", [part.context for part in parts], requests=len(parts)):
            return await self._server.predict(version, _joined(parts))


def _log_failure(parts: list[_Part], error: Exception) -> None:
    """Log the requests of a failed call. The request's own log line covers a call for one request."""
    if len(parts) > 1:
        requests = [part.context.get(request_id.current) for part in parts]
        _log.warning("gathered call", call=request_id.current.get(), requests=requests, model_error=str(error))


def _text(columns: Columns) -> int:
    """Return the number of characters in all strings."""
    return sum(len(value) for column in columns.values() for value in column if isinstance(value, str))


def _joined(parts: list[_Part]) -> Columns:
    """Join the rows of parts, which all have the contract's features."""
    return {name: [value for part in parts for value in part.columns[name]] for name in parts[0].columns}


def _fail(parts: list[_Part], error: Exception) -> None:
    for part in parts:
        if not part.answer.done():
            # Copy the error for each part: a traceback grows wherever the error is raised.
            part.answer.set_exception(type(error)(*error.args) if isinstance(error, ModelError) else error)
