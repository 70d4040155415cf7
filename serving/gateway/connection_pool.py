"""HTTP calls of the model server over connections that stay open, with time-outs and a bound on their number."""

import asyncio
import contextlib
import json
import ssl
import urllib.parse
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import aiohttp
from aiohttp.http_exceptions import ContentEncodingError

from serving import request_id
from serving.gateway import model_errors
from serving.gateway.settings import ModelSettings
from serving.tls.client import ClientTls
from serving.tls.watched import WatchedFiles
from serving.tracing.tracer import Tracer

_KEEP_SECONDS = 30  # how long a connection may idle before it is closed


class HttpResponse(NamedTuple):
    """What the model server answered."""

    status: int
    content: bytes  # unpacked

    def json(self) -> Any:
        """The content's value.

        Raises:
            ValueError: It is no JSON, or nested deeper than anything that is asked for.
        """
        try:
            return json.loads(self.content)
        except RecursionError as error:
            raise ValueError("the answer is nested too deep") from error


class ConnectionPool:
    """The connections to one model server.

    Args:
        settings: where it is, time-outs, and how many connections there may be.
        tls: what an https:// server is reached with; None: as this system trusts.
        tracer: tells the server which trace a call belongs to; None: none.

    Raises:
        ValueError: The server's port is none.
    """

    def __init__(
        self, settings: ModelSettings, tls: WatchedFiles[ClientTls] | None = None, tracer: Tracer | None = None
    ):
        self._settings = settings
        self._tracer = tracer or Tracer()
        self._tls = tls
        self._server_name = settings.tls.server_name if settings.tls else None
        self._base = settings.server.rstrip("/")
        _require_port(self._base)
        self._free = asyncio.Semaphore(settings.connections)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session:
            await self._session.close()

    async def call(self, method: str, path: str, body: bytes | None = None) -> HttpResponse:
        """Send one request, with JSON in it if there is a body; follows no redirects.

        Raises:
            ModelError: There is no answer. The message quotes none either.
        """
        headers = self._tracer.headers()
        if body is not None:
            headers["Content-Type"] = "application/json"
        if asked_for := request_id.current.get():
            headers[request_id.HEADER] = asked_for
        session = self._opened()
        try:
            async with (
                self._turn(),
                session.request(
                    method,
                    self._base + path,
                    data=body,
                    headers=headers,
                    allow_redirects=False,
                    ssl=self._tls.value.context if self._tls else True,  # another one is another set of connections
                    server_hostname=self._server_name,
                ) as response,
            ):
                return HttpResponse(response.status, await self._read(response))
        except aiohttp.ConnectionTimeoutError as error:
            raise model_errors.ConnectError("no connection: timed out") from error
        except aiohttp.ClientConnectorError as error:
            raise model_errors.ConnectError(f"no connection: {error}") from error
        except aiohttp.SocketTimeoutError as error:
            raise model_errors.ResponseTimeoutError(f"no answer in {self._settings.read_seconds:g} s") from error
        except TimeoutError as error:
            raise model_errors.ResponseTimeoutError(f"no whole answer in {self._settings.total_seconds:g} s") from error
        except aiohttp.ClientError as error:
            if _is_about_packing(error):
                raise model_errors.InvalidResponseError(
                    "expected an answer, received one that does not unpack"
                ) from error
            # Without its traceback: what read the answer keeps the error, whose frames have it. That cycle would keep
            # the request's rows until garbage is collected, which is seldom.
            cause = error.with_traceback(None)
            raise model_errors.ConnectionLostError(f"the connection broke: {_name_of(error)}") from cause

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """Return the whole body.

        Raises:
            InvalidResponseError: It is longer than any answer that can be used.
        """
        content, most = bytearray(), self._settings.answer_bytes
        async for part in response.content.iter_any():
            content += part
            if len(content) > most:
                response.close()  # what is left would have to be read before the connection could be used again
                raise model_errors.InvalidResponseError(f"expected an answer of at most {most} bytes, received more")
        return bytes(content)

    def _opened(self) -> aiohttp.ClientSession:
        """The session, made with the first call, since it belongs to the event loop that runs then."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # From the name to the end of TLS; and from one piece of the answer to the next. The whole is bounded
                # for questions about versions; the caller of predictions bounds all tries together.
                timeout=aiohttp.ClientTimeout(
                    total=self._settings.total_seconds,
                    connect=self._settings.connect_seconds,
                    sock_read=self._settings.read_seconds,
                ),
                connector=aiohttp.TCPConnector(
                    limit=0,  # `_turn` keeps it, which tells a lack of connections from a server that is not there
                    keepalive_timeout=_KEEP_SECONDS,
                    use_dns_cache=False,  # a server that moved is found with the next connection
                ),
                trust_env=False,  # a proxy for the way out is none for the way to the model server
            )
        return self._session

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Hold the right to one connection.

        Raises:
            PoolExhaustedError: None got free in the time that a new one may take.
        """
        try:
            async with asyncio.timeout(self._settings.connect_seconds):
                await self._free.acquire()
        except TimeoutError as error:
            raise model_errors.PoolExhaustedError("all connections are busy") from error
        try:
            yield
        finally:
            self._free.release()


def _require_port(url: str) -> None:
    try:
        urllib.parse.urlsplit(url).port  # noqa: B018 (it is looked at here, and raises)
    except ValueError as error:
        raise ValueError(
            f"model.server: expected a URL such as http://127.0.0.1:8501, received {url}: {error}"
        ) from error


def _name_of(error: BaseException) -> str:
    """The error's type; of TLS the reason, too: a server refuses a client's certificate after the handshake."""
    cause = error if isinstance(error, ssl.SSLError) else error.__cause__
    reason = getattr(cause, "reason", None) if isinstance(cause, ssl.SSLError) else None
    return f"{type(error).__name__} {reason}" if reason else type(error).__name__


def _is_about_packing(error: BaseException | None) -> bool:
    """Whether the error goes back to content that does not unpack; aiohttp says so in an error's causes only."""
    while error is not None and not isinstance(error, ContentEncodingError):
        error = error.__cause__
    return error is not None
