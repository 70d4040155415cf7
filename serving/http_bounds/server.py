"""uvicorn's server with TLS: handshakes are limited, and certificates may change.

If the event loop creates a TLS server, the protocol of a connection starts only after the handshake: unfinished
handshakes would not be counted, and a new certificate would need a new server. So this module accepts connections,
counts them, and secures them itself.
"""

import asyncio
import logging
import socket
import ssl
from typing import Protocol, cast

import uvicorn

from serving.http_bounds.protocol import BoundedHttp

_PAUSE_SECONDS = 0.5  # after a connection that could not be accepted, because the process has too many open files
_SHUTDOWN_SECONDS = 600.0  # limit of TLS shutdown; the protocol ends it earlier if the client does not read
_REASONS = {  # OpenSSL's reasons -> ours, few enough for a metric's label
    "HTTP_REQUEST": "plain_http",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "no_client_certificate",
    "CERTIFICATE_VERIFY_FAILED": "bad_client_certificate",
    "UNSUPPORTED_PROTOCOL": "old_tls",
    "WRONG_VERSION_NUMBER": "no_tls",
}
_log = logging.getLogger(__name__)


class Tls(Protocol):
    """TLS as the server uses it."""

    def context(self, port: int) -> ssl.SSLContext:
        """Return the TLS context for a new connection to a port."""

    def note_failure(self, port: int, client: str, reason: str) -> None:
        """Count and log a failed handshake; the reason is one of a few words."""


class HttpServer(uvicorn.Server):
    """uvicorn's server on listening sockets.

    Args:
        config: its `http` is made by `bounded`.
        tls: of all sockets; None for plain HTTP.
    """

    def __init__(self, config: uvicorn.Config, tls: Tls | None = None):
        super().__init__(config)
        self._tls = tls

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept connections on the sockets."""
        if self._tls is None:
            await super().startup(sockets)
            return
        await super().startup([])
        for listening in sockets or []:
            # uvicorn closes these and waits for them, as for the event loop's own servers.
            self.servers.append(cast(asyncio.Server, _TlsListener(self, listening, self._tls)))


class _TlsListener:
    """Accept the connections of one socket, and secure them."""

    def __init__(self, server: uvicorn.Server, listening: socket.socket, tls: Tls):
        self._server = server
        self._listening = listening
        self._tls = tls
        self._port: int = listening.getsockname()[1]
        self._handshakes: set[asyncio.Task[None]] = set()  # the event loop keeps only weak references
        listening.setblocking(False)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited by its connections
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    def close(self) -> None:
        """Stop accepting."""
        self._accepting.cancel()

    async def wait_closed(self) -> None:
        """Return when no more connections are accepted or secured."""
        await asyncio.gather(self._accepting, *self._handshakes, return_exceptions=True)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, peer = await loop.sock_accept(self._listening)
            except OSError as error:
                _log.error("Cannot accept connections on port %d; trying again: %s", self._port, error)
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            handshake = loop.create_task(self._secure(connection, str(peer[0])))
            self._handshakes.add(handshake)
            handshake.add_done_callback(self._handshakes.discard)

    async def _secure(self, connection: socket.socket, client: str) -> None:
        """Perform the TLS handshake, and hand the connection to the HTTP protocol."""
        if self._accepting.cancelling():  # the server began to stop since it was accepted
            connection.close()
            return
        http, this = self._protocol(), asyncio.current_task()
        if this is None or not http.begin_handshake(client, this.cancel):
            connection.close()
            self._tls.note_failure(self._port, client, "too_many_connections")
            return
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: http,
                connection,
                ssl=self._tls.context(self._port),
                ssl_handshake_timeout=http.limits.handshake_seconds,
                ssl_shutdown_timeout=_SHUTDOWN_SECONDS,
            )
        except OSError as error:  # includes ssl.SSLError
            http.fail_handshake()
            self._tls.note_failure(self._port, client, _reason(error))
        except BaseException:  # usually the server is stopping
            http.fail_handshake()
            raise

    def _protocol(self) -> BoundedHttp:
        """Make the HTTP protocol of a connection, as uvicorn does."""
        config = self._server.config
        return cast(
            BoundedHttp,
            # uvicorn declares asyncio.Protocol, which takes no arguments; its own server passes these.
            config.http_protocol_class(  # type: ignore[call-arg]
                config=config, server_state=self._server.server_state, app_state=self._server.lifespan.state
            ),
        )


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        name = error.reason or ""
        return _REASONS.get(name, "alert" if "ALERT" in name else "other")
    # The event loop raises ConnectionAbortedError on a time-out, ConnectionResetError when the client left.
    return "timeout" if isinstance(error, ConnectionAbortedError | TimeoutError) else "closed"
