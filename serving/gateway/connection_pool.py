"""Call the model server over a limited number of persistent HTTP connections, with time-outs."""

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

_KEEP_SECONDS = 30  # longest idle time of a connection


class HttpResponse(NamedTuple):
    """An answer of the model server."""

    status: int
    content: bytes  # uncompressed

    def json(self) -> Any:
        """Parse the content as JSON.

        Returns:
            The value.

        Raises:
            ValueError: The content is not JSON, or is nested too deep.
        """
        try:
            return json.loads(self.content)
        except RecursionError as error:
            raise ValueError("the answer is nested too deep") from error


class ConnectionPool:
    """The connections to one model server.

    Args:
        settings: the server's address, time-outs, and the number of connections.
        tls: for an https:// server; None trusts what this system trusts.
        tracer: passes the trace on to the server; None disables traces.

    Raises:
        ValueError: The port in the server's address is invalid.
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
        """Send one request; follow no redirects.

        The messages of all errors quote nothing from an answer.

        Args:
            method: the HTTP method.
            path: the path, with a leading slash.
            body: JSON; None sends no body.

        Returns:
            The answer.

        Raises:
            ConnectError: There is no connection.
            ConnectionLostError: The connection broke before the whole answer was received.
            ResponseTimeoutError: The answer, or a part of it, took longer than the settings allow.
            InvalidResponseError: The answer cannot be uncompressed.
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
                    ssl=self._tls.value.context if self._tls else True,  # each context has its own connections
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
                    "expected an answer, received one that cannot be uncompressed"
                ) from error
            # Drop the traceback: the response keeps the error, whose frames hold the response. That cycle would keep
            # the request's rows until a rare garbage collection.
            cause = error.with_traceback(None)
            raise model_errors.ConnectionLostError(f"the connection broke: {_name_of(error)}") from cause

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """Return the whole body.

        Raises:
            InvalidResponseError: The body is longer than `answer_bytes`.
        """
        content, most = bytearray(), self._settings.answer_bytes
        async for part in response.content.iter_any():
            content += part
            if len(content) > most:
                response.close()  # otherwise the rest must be read before the connection can be used again
                raise model_errors.InvalidResponseError(f"expected an answer of at most {most} bytes, received more")
        return bytes(content)

    def _opened(self) -> aiohttp.ClientSession:
        """Return the session. The first call creates it, because it belongs to the running event loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # `connect` covers name resolution to TLS handshake; `sock_read` the time between parts of the answer.
                # `total` limits look-ups of versions; for predictions the caller limits all tries together.
                timeout=aiohttp.ClientTimeout(
                    total=self._settings.total_seconds,
                    connect=self._settings.connect_seconds,
                    sock_read=self._settings.read_seconds,
                ),
                connector=aiohttp.TCPConnector(
                    limit=0,  # `_turn` limits, so that a lack of connections differs from an absent server
                    keepalive_timeout=_KEEP_SECONDS,
                    use_dns_cache=False,  # finds a server that moved
                ),
                trust_env=False,  # a proxy for outgoing traffic does not lead to the model server
            )
        return self._session

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Hold one of the allowed connections.

        Raises:
            PoolExhaustedError: None became free within `connect_seconds`.
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
        urllib.parse.urlsplit(url).port  # noqa: B018 (the attribute raises)
    except ValueError as error:
        raise ValueError(
            f"model.server: expected a URL such as http://127.0.0.1:8501, received {url}: {error}"
        ) from error


def _name_of(error: BaseException) -> str:
    """Return the error's type, and for TLS the reason: a server refuses a client's certificate after the handshake."""
    cause = error if isinstance(error, ssl.SSLError) else error.__cause__
    reason = getattr(cause, "reason", None) if isinstance(cause, ssl.SSLError) else None
    return f"{type(error).__name__} {reason}" if reason else type(error).__name__


def _is_about_packing(error: BaseException | None) -> bool:
    """Return whether the cause is content that cannot be uncompressed; aiohttp tells only in the causes."""
    while error is not None and not isinstance(error, ContentEncodingError):
        error = error.__cause__
    return error is not None
