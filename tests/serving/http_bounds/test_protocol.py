"""Each way to hold or to fill a connection, against a real server with small bounds."""

import contextlib
import dataclasses
import json
import socket
import time
from collections.abc import Iterator

import pytest
from starlette.types import Receive, Scope, Send

from serving.http_bounds.limits import HttpLimits
from serving.http_bounds.protocol import Refusal, RefusalAnswer, bounded
from tests.serving.gateway.http_server import HttpServer
from tests.serving.http_bounds import attacks
from tests.serving.http_bounds.attacks import HEAD, Address, answer, ask, connections, send, statuses

LIMITS = HttpLimits(header_line_bytes=2000, header_bytes=6000, headers=20, pipelined=3)
WHOLE = HEAD + b"\r\n"
LAST = HEAD + b"Connection: close\r\n\r\n"
POST = b"POST /read HTTP/1.1\r\nHost: a\r\n"


class Application:
    """Answers /read when the body is there, /large with 16 MiB, /early and all others at once."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[tuple[bytes, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": message["type"] + ".complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["path"] == "/read":
            body = b""
            while (message := await receive())["type"] == "http.request":
                body += message["body"]
                if not message["more_body"]:
                    self.bodies.append(body)
                    break
        self.headers = list(scope["headers"])
        content = b"x" * 2**24 if scope["path"] == "/large" else b"ok"
        length = str(len(content)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": content})


class Serving:
    """Starts servers with bounds; keeps what they refused."""

    def __init__(self, stack: contextlib.ExitStack):
        self._stack = stack
        self.application = Application()
        self.refused: list[Refusal] = []

    def __call__(self, **bounds: float) -> Address:
        limits = dataclasses.replace(LIMITS, **bounds)  # type: ignore[arg-type]
        server = HttpServer(self.application, http=bounded(limits, self._answer_refusal))
        self._stack.enter_context(server)
        return "127.0.0.1", server.port

    def _answer_refusal(self, refusal: Refusal) -> RefusalAnswer:
        self.refused.append(refusal)
        return RefusalAnswer("application/json", json.dumps({"code": refusal.code}).encode())


@pytest.fixture
def serve() -> Iterator[Serving]:
    with contextlib.ExitStack() as stack:
        yield Serving(stack)


def test_requests_within_the_bounds_are_answered(serve: Serving) -> None:
    address = serve()
    wide = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 1900) for number in range(2))
    assert ask(address, LAST) == [200]
    assert ask(address, HEAD + wide + b"\r\n" + LAST) == [200, 200]
    assert ask(address, POST + b"Content-Length: 100000\r\nConnection: close\r\n\r\n" + b"a" * 100_000) == [200]
    assert serve.application.bodies == [b"a" * 100_000]
    with connections(address) as (connection,):  # byte by byte
        for byte in LAST:
            connection.sendall(bytes([byte]))
        assert statuses(connection) == [200]
    assert serve.refused == []


@pytest.mark.parametrize(
    ("sent", "repeat", "status", "code"),
    [
        (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n\r\n", 1, 414, "target_too_long"),
        (b"GET /" + b"a" * 2**16, 64, 414, "target_too_long"),
        (HEAD + b"X: " + b"a" * 3000 + b"\r\n\r\n", 1, 431, "headers_too_large"),
        (HEAD + b"X: " + b"a" * 2**22, 1, 431, "headers_too_large"),
        (HEAD + b"a" * 2**22, 1, 431, "headers_too_large"),
        (HEAD + attacks.headers(8000) + b"\r\n", 1, 431, "headers_too_large"),
        (HEAD + b"a:b\r\n" * 50 + b"\r\n", 1, 431, "too_many_headers"),
        (HEAD + b"a:b\r\n" * 2**20, 1, 431, "too_many_headers"),
        (b"\x16\x03\x01 no HTTP", 1, 400, "invalid_http"),
        (POST + b"Content-Length: -1\r\n\r\n", 1, 400, "invalid_http"),
    ],
)
def test_heads_out_of_bounds_are_refused(serve: Serving, sent: bytes, repeat: int, status: int, code: str) -> None:
    assert ask(serve(), sent, repeat) == [status]
    assert [(refusal.status, refusal.code, refusal.client) for refusal in serve.refused] == [
        (status, code, "127.0.0.1")
    ]
    assert serve.application.headers == []


def test_the_refusal_is_spelled_by_the_server(serve: Serving) -> None:
    with connections(serve()) as (connection,):
        send(connection, HEAD + b"a:b\r\n" * 50 + b"\r\n")
        head, _, body = answer(connection).partition(b"\r\n\r\n")
    assert head.splitlines()[0] == b"HTTP/1.1 431 Request Header Fields Too Large"
    assert b"Content-Type: application/json" in head
    assert b"Connection: close" in head
    assert json.loads(body) == {"code": "too_many_headers"}


def test_trailers_count_and_are_left_out(serve: Serving) -> None:
    address = serve(idle_seconds=0.2)
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
    assert ask(address, chunked + b"X-Trailer: 1\r\n\r\n" + LAST) == [200, 200]
    assert b"x-trailer" not in dict(serve.application.headers)
    assert ask(address, chunked + b"a:b\r\n" * 100_000) == [431]
    assert ask(address, chunked + b"a" * 2**22) == [431]
    assert serve.application.bodies == [b"a"]


def test_a_head_that_is_not_finished(serve: Serving) -> None:
    address = serve(head_seconds=0.05, idle_seconds=20)
    assert ask(address, HEAD) == [408]
    assert ask(address, WHOLE + HEAD) == [200, 408]
    assert [refusal.code for refusal in serve.refused] == ["headers_timeout"] * 2


def test_a_body_that_is_not_finished(serve: Serving) -> None:
    address = serve(body_seconds=0.05, idle_seconds=20)
    assert ask(address, POST + b"Content-Length: 9\r\n\r\na") == [408]
    assert ask(address, POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n") == [408]
    assert [refusal.code for refusal in serve.refused] == ["body_timeout"] * 2
    assert serve.application.bodies == []


def test_a_body_that_nobody_reads_ends_with_the_idle_time(serve: Serving) -> None:
    address = serve(idle_seconds=0.05, body_seconds=20)
    assert ask(address, b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\na") == [200]


def test_idle_connections_are_closed(serve: Serving) -> None:
    address = serve(idle_seconds=0.05, head_seconds=20)
    with connections(address, 3) as (silent, answered, breaking_lines):
        send(answered, WHOLE)
        send(breaking_lines, b"\r\n")
        assert [statuses(one) for one in (silent, answered, breaking_lines)] == [[], [200], []]
    assert serve.refused == []


def test_an_answer_that_takes_longer_than_the_idle_time(serve: Serving) -> None:
    """The head of the second request begins before the first is answered: its idle time must not end it."""
    address = serve(idle_seconds=0.1, body_seconds=20)
    with connections(address) as (connection,):
        send(connection, WHOLE + POST[:10])
        send(connection, POST[10:] + b"Content-Length: 2\r\nConnection: close\r\n\r\na")
        with contextlib.suppress(TimeoutError):
            connection.settimeout(0.3)
            while connection.recv(1000):
                pass
        connection.settimeout(30)
        send(connection, b"a")
        assert statuses(connection) == [200]


def test_connections_are_counted(serve: Serving) -> None:
    address = serve(connections=2)
    with connections(address, 2) as held:
        assert ask(address, b"") == [503]
        send(held[0], LAST)
        assert statuses(held[0]) == [200]
        held[0].close()
        while ask(address, LAST) != [200]:  # until the server has seen the end of the other
            pass
    assert serve.refused[0].code == "too_many_connections"


def test_connections_are_counted_by_client(serve: Serving) -> None:
    address = serve(connections_per_client=2)
    with connections(address, 2):
        assert ask(address, b"") == [429]
        with contextlib.closing(socket.create_connection(address, 30, source_address=("127.0.0.2", 0))) as other:
            send(other, LAST)
            assert statuses(other) == [200]
    while ask(address, LAST) != [200]:
        pass


def test_pipelined_requests_are_bounded(serve: Serving) -> None:
    # The first is answered, or being answered, and three wait: the others are left out, and the connection ends.
    found = ask(serve(), WHOLE * 100_000)
    assert set(found) == {200}
    assert len(found) < 10


def test_a_client_that_does_not_read_is_cut_off(serve: Serving) -> None:
    address = serve(write_seconds=0.05)
    with connections(address) as (connection,):
        send(connection, b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        while serve.application.headers == [] or connections_of(address):
            time.sleep(0.01)
        assert len(answer(connection)) < 2**24


def connections_of(address: Address) -> int:
    """Returns how many connections the server holds, as the system sees them."""
    import psutil

    mine = psutil.Process().net_connections("tcp")
    return sum(one.laddr.port == address[1] and one.status == "ESTABLISHED" for one in mine)


def test_an_upgrade_is_answered_and_ends_the_connection(serve: Serving) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
    assert ask(serve(), HEAD + upgrade + b"\r\n" + b"PRI * HTTP/2.0") == [200]


@pytest.mark.parametrize(
    ("whole", "begun"),
    [(WHOLE, len(HEAD) // 2), (POST + b"Content-Length: 9\r\n\r\n123456789", len(POST) + 25)],
    ids=["heads", "bodies"],
)
def test_requests_that_overlap_have_a_deadline_each(serve: Serving, whole: bytes, begun: int) -> None:
    """Whatever arrives ends in the middle of a request, so that the connection is never between two."""
    address = serve(head_seconds=0.5, body_seconds=0.5)
    until = time.monotonic() + 1
    with connections(address) as (connection,):
        send(connection, whole[:begun])
        while time.monotonic() < until:
            send(connection, whole[begun:] + whole[:begun])
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
            time.sleep(0.01)
    assert serve.refused == []


def test_a_request_gets_one_answer(serve: Serving) -> None:
    """Its body is late, or its trailers are too many, when it has been answered already."""
    address = serve(body_seconds=0.05, idle_seconds=20)
    assert ask(address, b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na") == [200]
    with connections(address) as (connection,):
        send(connection, b"POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        send(connection, b"0\r\n" + b"a:b\r\n" * 50)
        assert statuses(connection) == []
