"""Rows of requests that arrive together, in one call of the model server.

A call costs the gateway and the server as much processor time for one row as for fifty. So while calls are running, the
rows of small requests for the same version are gathered, and go out together when a call ends. A request that comes
alone waits for nothing, and none waits longer than `model.gather_seconds`.

A call of one request bears that request's id and is part of its trace. A call of several has an id of its own. It is
part of the trace of one of them, with links to the others; where it fails, the log names the requests.
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

_CALLS_AT_ONCE = 2  # of a version, before rows are gathered: one that the server computes, one on its way
# Characters of a row, on average; a request with more is a call of its own. So 64 rows stay
# below about 256 KiB, from which on the model server parses JSON in another process: nobody waits for another's texts.
_MOST_TEXT = 1000

Columns = dict[str, list[Value]]


@dataclasses.dataclass(eq=False)
class _Part:
    """What one request asks."""

    columns: Columns
    rows: int
    answer: asyncio.Future[list[Output]]
    context: contextvars.Context  # has the request's id and its part of a trace


@dataclasses.dataclass(eq=False)
class _Version:
    """The calls of one version."""

    running: int = 0  # calls
    waiting: list[_Part] = dataclasses.field(default_factory=list)
    rows: int = 0  # of those that wait
    late: asyncio.TimerHandle | None = None  # ends the waiting


class GatheredCalls:
    """Asks the model server for requests that arrive at the same time; used from one event loop.

    Args:
        server: what is asked.
        settings: how many rows go into one call, and how long they may wait for it.
        most: rows of one request, which the server takes in any case; no call has more.
        tracer: marks calls that are made for several requests; None: nobody does.
    """

    def __init__(self, server: PredictClient, settings: ModelSettings, most: int, tracer: Tracer | None = None):
        self._server = server
        self._tracer = tracer or Tracer()
        self._most = min(settings.gather_rows, most)
        self._seconds = settings.gather_seconds
        self._versions: dict[str, _Version] = {}  # those that are being asked
        self._running: dict[asyncio.Task[None], list[_Part]] = {}  # calls

    async def predict(self, version: str, columns: Columns, *, alone: bool = False) -> list[Output]:
        """See PredictClient.predict; what that raises is raised to each request of a call.

        Args:
            version: the version's number.
            columns: one per feature, missing values spelled out.
            alone: whether the request gets a call of its own.
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
            del part  # it has the error, which has this frame: a cycle would keep the rows until garbage is collected

    def _wait(self, version: str, part: _Part) -> None:
        """Put a part among those that go out with the next call."""
        loop = asyncio.get_running_loop()
        calls = self._versions.setdefault(version, _Version())
        if calls.rows + part.rows > self._most:
            self._send(version, calls)
        if not calls.waiting:
            # After what else is ready to run: requests that arrived at the same time come into the same call.
            loop.call_soon(self._send_if_free, version, calls)
            calls.late = loop.call_later(self._seconds, self._send, version, calls)
        calls.waiting.append(part)
        calls.rows += part.rows

    def interval_of(self, version: str) -> Interval | None:
        """See PredictClient.interval_of."""
        return self._server.interval_of(version)

    def _send_if_free(self, version: str, calls: _Version) -> None:
        if calls.waiting and calls.running < _CALLS_AT_ONCE:
            self._send(version, calls)

    def _send(self, version: str, calls: _Version) -> None:
        """Send what waits, but for requests that were given up meanwhile."""
        parts = [part for part in calls.waiting if not part.answer.done()]
        calls.waiting, calls.rows = [], 0
        if calls.late:
            calls.late.cancel()
            calls.late = None
        if parts:
            calls.running += 1
            context = parts[0].context.copy()  # not that of whoever happens to send
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
        """End the call of a part that was given up, unless others wait for it."""
        for task, parts in self._running.items():
            if part in parts and all(other.answer.done() for other in parts):
                task.cancel()

    async def _answer(self, version: str, parts: list[_Part]) -> None:
        """Answer each part; one part's fault is not told to the others."""
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
        except asyncio.CancelledError:  # the gateway ends
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
    """Log which requests a failed call was made for; that of one request is in the request's own line."""
    if len(parts) > 1:
        requests = [part.context.get(request_id.current) for part in parts]
        _log.warning("gathered call", call=request_id.current.get(), requests=requests, model_error=str(error))


def _text(columns: Columns) -> int:
    """Characters of all strings."""
    return sum(len(value) for column in columns.values() for value in column if isinstance(value, str))


def _joined(parts: list[_Part]) -> Columns:
    """Join the rows of parts; all have the contract's features."""
    return {name: [value for part in parts for value in part.columns[name]] for name in parts[0].columns}


def _fail(parts: list[_Part], error: Exception) -> None:
    for part in parts:
        if not part.answer.done():
            # Each its own: a traceback grows with every place that raises an error.
            part.answer.set_exception(type(error)(*error.args) if isinstance(error, ModelError) else error)
