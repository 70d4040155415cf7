"""uvicorn's HTTP protocol with limits on headers, on time, and on the number of connections.

uvicorn itself limits none of these. httptools keeps an unfinished header line in memory without a limit, so this class
counts the bytes that it feeds to the parser.
"""

import asyncio
import collections
import enum
import http
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from serving.http_bounds.answer_transport import AnswerTransport
from serving.http_bounds.limits import HttpLimits
from serving.http_bounds.tcp_progress import TcpProgress, tcp_progress

_PIECE = 16 * 1024  # bytes of a head that the parser gets at a time, so that its limits apply in between
_BESIDE_A_HEADER = len(": \r\n")
# time for a refused client to read the reason; closed at once, its system could discard the answer
_LINGER_SECONDS = 1.0
_GOODBYE_SECONDS = 1.0  # between two checks whether a client that does not end TLS has read everything
_MOST_LINGERING = 100  # connections above the limit that receive the reason; further ones are closed without an answer
_PHRASES = {413: "Content Too Large"}


class Refusal(NamedTuple):
    """Why a connection gets no answer from the application."""

    status: int  # of HTTP
    code: str  # for programs
    detail: str  # for people
    client: str  # its address


class RefusalAnswer(NamedTuple):
    """A refusal as an HTTP answer."""

    media_type: str
    body: bytes


AnswerRefusal = Callable[[Refusal], RefusalAnswer]  # also logs and counts the refusal


class _Phase(enum.Enum):
    IDLE = enum.auto()  # no request has begun, or the last one is complete
    HEAD = enum.auto()
    BODY = enum.auto()


_NOTHING = (0, _Phase.IDLE)  # no request: no deadline


class _RefusedError(Exception):
    """Stop the parser from within one of its callbacks."""


class BoundedHttp(HttpToolsProtocol):
    """One connection. `bounded` makes the class for uvicorn."""

    limits: ClassVar[HttpLimits]
    answer_refusal: ClassVar[AnswerRefusal]
    clients: ClassVar[collections.Counter[str]]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # uvicorn declares int, and passes it to call_later, which accepts fractions of a second, too.
        self.timeout_keep_alive = self.limits.idle_seconds  # type: ignore[assignment]
        self._address = ""
        self._phase = _Phase.IDLE
        self._deadline: asyncio.TimerHandle | None = None
        self._deadline_of = _NOTHING
        self._write_deadline: asyncio.TimerHandle | None = None
        self._requests = 0  # requests of this connection so far
        self._head_bytes = 0  # of this request: complete headers, and the target
        self._header_count = 0
        self._callbacks = 0  # total of the parser's callbacks: shows whether fed bytes completed anything
        self._open_line_bytes = 0  # bytes fed since the parser last completed anything
        self._fault: tuple[int, str, str] | None = None
        self._refused = False  # then further bytes are discarded
        self._end_handshake: Callable[[], object] | None = None  # set during the TLS handshake

    # --- The connection.

    def begin_handshake(self, address: str, end: Callable[[], object]) -> bool:
        """Count a connection before its TLS handshake; `connection_made` or `fail_handshake` follows.

        Args:
            address: of the client.
            end: ends the handshake.

        Returns:
            Whether to go on: false when there are too many connections. Before the handshake, no reason can be sent.
        """
        most, most_of_client = self.limits.connections, self.limits.connections_per_client
        if len(self.connections) >= most or self.clients[address] >= most_of_client:
            return False
        self._address, self._end_handshake = address, end
        self.connections.add(self)
        self.clients[address] += 1
        return True

    def fail_handshake(self) -> None:
        """Stop counting a connection whose handshake failed."""
        if self._end_handshake:
            self._end_handshake = None
            self.connections.discard(self)
            self._forget_client()

    def shutdown(self) -> None:
        """End the connection once its requests are answered; uvicorn calls this when it stops."""
        if self._end_handshake:
            self._end_handshake()
            return
        super().shutdown()
        self._end_tls()

    # Narrowed as in uvicorn: asyncio's BaseProtocol has BaseTransport, and a server's connection is always a Transport.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, and refuse it when there are too many."""
        super().connection_made(transport)
        self._answer = AnswerTransport(transport)
        if self._end_handshake:
            self._end_handshake = None  # already counted
        else:
            self._address = self.client[0] if self.client else "unknown"
            self.clients[self._address] += 1
        self._keep_idle_time()
        if len(self.connections) > self.limits.connections + _MOST_LINGERING:
            self._refused = True
            transport.abort()
        elif len(self.connections) > self.limits.connections:
            self._refuse(
                503, "too_many_connections", "The server has reached its limit of connections; try again later."
            )
        elif self.clients[self._address] > self.limits.connections_per_client:
            most = self.limits.connections_per_client
            self._refuse(429, "too_many_connections", f"Too many connections: expected at most {most} from one client.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting the connection."""
        self._forget_client()
        self._stop_deadline()
        if self._write_deadline:
            self._write_deadline.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def _forget_client(self) -> None:
        self.clients[self._address] -= 1
        if not self.clients[self._address]:
            del self.clients[self._address]

    def data_received(self, data: bytes) -> None:
        """Feed the parser, in small pieces while a head is incomplete."""
        begin = 0
        if len(data) <= _PIECE and not self._refused:
            begin = len(data)
            self._feed(data)
        while begin < len(data) and not self._refused:
            piece = data[begin:] if self._phase is _Phase.BODY else data[begin : begin + _PIECE]
            begin += len(piece)
            self._feed(piece)
        if not self._refused:
            self._keep_request_time()

    def _feed(self, piece: bytes) -> None:
        before = self._callbacks
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            # No other protocol is supported. The request is answered, and then the connection ends.
            self._refused = True
            self._stop_deadline()
            self.cycle.keep_alive = False
        except httptools.HttpParserError:
            self._refuse(*(self._fault or (400, "invalid_http", "The bytes received are not an HTTP/1.1 request.")))
        else:
            self._open_line_bytes = self._open_line_bytes + len(piece) if self._callbacks == before else 0
            if self._open_line_bytes > self.limits.header_line_bytes:
                self._refuse(*self._long_line())

    # --- The parser's callbacks.

    def on_message_begin(self) -> None:
        """Start counting for a new request."""
        self._callbacks += 1
        self._unset_keepalive_if_required()
        self._phase = _Phase.HEAD
        self._requests += 1
        self._head_bytes = self._header_count = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count the request's target, which comes in parts."""
        self._callbacks += 1
        super().on_url(url)
        if len(self.url) > self.limits.header_line_bytes:
            most = self.limits.header_line_bytes
            self._raise(414, "target_too_long", f"The request's target is too long: expected at most {most} bytes.")
        self._head_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header. Count a trailer, which follows the body, and drop it."""
        # Called for each header of each request: keep it fast.
        self._callbacks += 1
        self._header_count += 1
        length = len(name) + len(value) + _BESIDE_A_HEADER
        self._head_bytes += length
        limits = self.limits
        if (
            self._header_count > limits.headers
            or length > limits.header_line_bytes
            or self._head_bytes > limits.header_bytes
        ):
            self._refuse_header(length)
        if self._phase is _Phase.HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request, or queue it behind those of its connection."""
        self._callbacks += 1
        if len(self.pipeline) >= self.limits.pipelined:
            self._raise(503, "too_many_pipelined", "Too many requests of one connection are waiting for an answer.")
        # set when the previous answer ended before this request's head was complete
        self._unset_keepalive_if_required()
        super().on_headers_complete()
        # It has the methods of a transport that uvicorn's cycle calls, and no others.
        self.cycle.transport = self._answer  # type: ignore[assignment]
        self._phase = _Phase.BODY

    def on_body(self, body: bytes) -> None:
        """Pass on a part of the body."""
        self._callbacks += 1
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._callbacks += 1
        self._phase = _Phase.IDLE
        super().on_message_complete()

    def _refuse_header(self, length: int) -> None:
        if self._header_count > self.limits.headers:
            most = self.limits.headers
            self._raise(431, "too_many_headers", f"The request has too many headers: expected at most {most}.")
        if length > self.limits.header_line_bytes:
            self._raise(*self._long_line())
        most = self.limits.header_bytes
        self._raise(431, "headers_too_large", f"The request's headers are too large: expected at most {most} bytes.")

    def _long_line(self) -> tuple[int, str, str]:
        most = self.limits.header_line_bytes
        return 431, "headers_too_large", f"A header is too long: expected at most {most} bytes."

    def _raise(self, status: int, code: str, detail: str) -> None:
        self._fault = status, code, detail
        raise _RefusedError(detail)

    # --- Time.

    def _keep_idle_time(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(self.limits.idle_seconds, self.timeout_keep_alive_handler)

    def _keep_request_time(self) -> None:
        """Set the deadline of the request's phase, once; a request that arrived completely needs none."""
        phase = (self._requests, self._phase) if self._phase is not _Phase.IDLE else _NOTHING
        if phase == self._deadline_of:
            return
        self._stop_deadline()
        if self._phase is not _Phase.IDLE:
            seconds = self.limits.head_seconds if self._phase is _Phase.HEAD else self.limits.body_seconds
            self._deadline = self.loop.call_later(seconds, self._end_late_request, seconds)
        self._deadline_of = phase

    def _stop_deadline(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None
        self._deadline_of = _NOTHING

    def _end_late_request(self, seconds: float) -> None:
        if self.flow.read_paused:  # paused by this busy server: not the client's fault
            self._deadline = self.loop.call_later(seconds, self._end_late_request, seconds)
            return
        part = "headers" if self._phase is _Phase.HEAD else "body"
        detail = f"The request's {part} did not arrive in time: expected all of it within {seconds:g} s."
        self._refuse(408, f"{part}_timeout", detail)

    def pause_writing(self) -> None:
        """Start watching a client that does not read."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """Stop watching."""
        super().resume_writing()
        if self._write_deadline:
            self._write_deadline.cancel()
            self._write_deadline = None

    def on_response_complete(self) -> None:
        """Watch whether the client reads an answer after which the connection closes."""
        self._answer.end_answer()
        super().on_response_complete()
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._watch_reader()
        self._end_tls()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, also if its client never read its answer."""
        super().timeout_keep_alive_handler()
        if self.transport.get_write_buffer_size():
            self._watch_reader()
        self._end_tls()

    def eof_received(self) -> None:
        """Watch a client that ends TLS and may still read an answer."""
        super().eof_received()
        self._end_tls(closing=True)

    def _end_tls(self, *, closing: bool = False) -> None:
        """Watch the end of TLS, which needs the client's close_notify, too.

        Clients that keep idle connections do not read, and would delay the server's shutdown.

        Args:
            closing: whether the connection closes although the transport does not say so yet.
        """
        if self.scheme == "https" and (closing or self.transport.is_closing()):
            self._stop_deadline()
            self._look_again(tcp_progress(self.transport))
            self._watch_reader()

    def _look_again(self, before: TcpProgress) -> None:
        self._deadline = self.loop.call_later(_GOODBYE_SECONDS, self._cut_off_when_read, before)

    def _cut_off_when_read(self, before: TcpProgress) -> None:
        """Abort the connection when two checks find that its client has received everything: a busy event loop may
        still hold data.
        """
        now = tcp_progress(self.transport)
        if now.everything and now == before:
            self.transport.abort()
        else:
            self._look_again(now)  # while the client reads; otherwise `_watch_reader` aborts the connection

    def _watch_reader(self, before: int | None = None) -> None:
        """Abort the connection if its client receives nothing within `write_seconds`."""
        if self.scheme == "https":
            now = tcp_progress(self.transport).confirmed
        else:
            now = -self.transport.get_write_buffer_size()
        if before is not None and now <= before:
            self.transport.abort()
            return
        if self._write_deadline:
            self._write_deadline.cancel()
        self._write_deadline = self.loop.call_later(self.limits.write_seconds, self._watch_reader, now)

    # --- Refusals.

    def _refuse(self, status: int, code: str, detail: str) -> None:
        """Answer instead of the application, and end the connection."""
        self._refused = True
        self._stop_deadline()
        self._unset_keepalive_if_required()
        if self._phase is _Phase.BODY and self.cycle.response_complete:
            self.transport.close()  # the request has its answer; a second one would be taken as the next request's
            self._end_tls()
            return
        answer = type(self).answer_refusal(Refusal(status, code, detail, self._address))
        running = self.cycle is not None and not self.cycle.response_complete
        if running and self._phase is not _Phase.BODY:
            self.cycle.keep_alive = False  # earlier requests get their answers, and then the connection ends
            return
        if running and (self.pipeline or self.cycle.response_started):
            self.transport.abort()  # half an answer is sent, or another request's answer comes first
            return
        if running:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        phrase = _PHRASES.get(status) or http.HTTPStatus(status).phrase
        head = (
            f"HTTP/1.1 {status} {phrase}\r\nContent-Type: {answer.media_type}\r\n"
            f"Content-Length: {len(answer.body)}\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + answer.body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._deadline = self.loop.call_later(_LINGER_SECONDS, self.transport.abort)


def bounded(limits: HttpLimits, answer_refusal: AnswerRefusal) -> type[BoundedHttp]:
    """Make the protocol class of one server, for `http` of `uvicorn.Config`.

    Args:
        limits: the limits.
        answer_refusal: returns a refusal's answer; called once for each refusal.

    Returns:
        The class.
    """
    attributes = {"limits": limits, "answer_refusal": staticmethod(answer_refusal), "clients": collections.Counter()}
    return type("BoundedHttpOfOneServer", (BoundedHttp,), attributes)
