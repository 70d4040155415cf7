"""uvicorn's server with TLS whose handshakes are bounded, and whose certificates may change.

A loop that makes a TLS server itself tells the protocol of a connection only after the handshake: handshakes that never
end would count nowhere, and another certificate would need another server. So connections are accepted here, counted,
and only then secured.
"""

import asyncio
import logging
import socket
import ssl
from typing import Protocol, cast

import uvicorn

from serving.http_bounds.protocol import BoundedHttp

_PAUSE_SECONDS = 0.5  # after a connection that could not be accepted: the process has as many files as it may
_SHUTDOWN_SECONDS = 600.0  # of TLS, from its beginning, read or not; the protocol ends it earlier where nobody reads
_REASONS = {  # OpenSSL's -> ours, few enough to be a label of a metric
    "HTTP_REQUEST": "plain_http",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "no_client_certificate",
    "CERTIFICATE_VERIFY_FAILED": "bad_client_certificate",
    "UNSUPPORTED_PROTOCOL": "old_tls",
    "WRONG_VERSION_NUMBER": "no_tls",
}
_log = logging.getLogger(__name__)


class Tls(Protocol):
    """What the server asks about TLS."""

    def context(self, port: int) -> ssl.SSLContext:
        """What a new connection to a port is secured with."""

    def note_failure(self, port: int, client: str, reason: str) -> None:
        """Count and logs a handshake that failed; the reason is one of few words."""


class HttpServer(uvicorn.Server):
    """uvicorn's server on sockets that listen.

    Args:
        config: its `http` is what `bounded` makes.
        tls: of all sockets; None: they speak plain HTTP.
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
            # uvicorn closes these, and waits for them, as it does with the loop's own.
            self.servers.append(cast(asyncio.Server, _TlsListener(self, listening, self._tls)))


class _TlsListener:
    """Accepts the connections of one socket and secures them."""

    def __init__(self, server: uvicorn.Server, listening: socket.socket, tls: Tls):
        self._server = server
        self._listening = listening
        self._tls = tls
        self._port: int = listening.getsockname()[1]
        self._handshakes: set[asyncio.Task[None]] = set()  # the loop keeps only weak references
        listening.setblocking(False)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # its connections inherit it
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    def close(self) -> None:
        """End accepting."""
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
                _log.error("No connection can be accepted on port %d; trying again: %s", self._port, error)
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            handshake = loop.create_task(self._secure(connection, str(peer[0])))
            self._handshakes.add(handshake)
            handshake.add_done_callback(self._handshakes.discard)

    async def _secure(self, connection: socket.socket, client: str) -> None:
        """Hand a connection to the HTTP protocol once it speaks TLS."""
        if self._accepting.cancelling():  # since it was accepted, the server has begun to end
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
        except OSError as error:  # ssl.SSLError is one
            http.fail_handshake()
            self._tls.note_failure(self._port, client, _reason(error))
        except BaseException:  # the server ends, as a rule
            http.fail_handshake()
            raise

    def _protocol(self) -> BoundedHttp:
        """As uvicorn makes one for each connection."""
        config = self._server.config
        return cast(
            BoundedHttp,
            # uvicorn writes asyncio.Protocol, which takes no arguments; its own server calls it with these.
            config.http_protocol_class(  # type: ignore[call-arg]
                config=config, server_state=self._server.server_state, app_state=self._server.lifespan.state
            ),
        )


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        name = error.reason or ""
        return _REASONS.get(name, "alert" if "ALERT" in name else "other")
    # The loop raises ConnectionAbortedError when the time is over, ConnectionResetError when the client went away.
    return "timeout" if isinstance(error, ConnectionAbortedError | TimeoutError) else "closed"
