"""How connections over TLS end: slow readers get all; who does not read or does not say goodbye is cut off."""

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn

from serving.http_bounds.limits import HttpLimits
from serving.http_bounds.protocol import RefusalAnswer, bounded
from serving.http_bounds.server import HttpServer as TlsServer
from serving.tls.server import ServerFiles, server_tls
from tests.serving.gateway.http_server import HttpServer
from tests.serving.http_bounds.attacks import HEAD, answer, send
from tests.serving.http_bounds.test_protocol import LAST, WHOLE, Application
from tests.serving.tls.authority import Authority, Issued

LARGE = b"GET /large HTTP/1.1\r\nHost: a\r\n"
SIZE = 2**24  # of its answer; more than the system takes off the server's hands


class OneCertificate:
    """TLS of the server."""

    def __init__(self, issued: Issued):
        self._watched = server_tls(ServerFiles(certificate=issued.certificate, key=issued.key))

    def context(self, port: int) -> ssl.SSLContext:
        return self._watched.value.context

    def note_failure(self, port: int, client: str, reason: str) -> None:
        raise AssertionError(reason)


class Serving:
    """A server with bounds."""

    def __init__(self, folder: Path, **bounds: float):
        authority = Authority(folder)
        http = bounded(HttpLimits(**bounds), lambda refusal: RefusalAnswer("text/plain", b""))  # type: ignore[arg-type]
        config = uvicorn.Config(Application(), http=http, ws="none", log_config=None, timeout_graceful_shutdown=20)
        self.uvicorn = TlsServer(config, OneCertificate(authority.issue("server")))
        self.http = HttpServer(None, server=self.uvicorn)
        self._trust = ssl.create_default_context(cafile=authority.certificate)

    def connect(self) -> ssl.SSLSocket:
        """Opens a connection that takes little before somebody reads it."""
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        plain.settimeout(20)
        plain.connect(("127.0.0.1", self.http.port))
        return self._trust.wrap_socket(plain, server_hostname="localhost")

    def wait_for_no_connection(self) -> float:
        """Returns the seconds until the server has none."""
        began = time.monotonic()
        while self.uvicorn.server_state.connections:
            assert time.monotonic() - began < 20
            time.sleep(0.02)
        return time.monotonic() - began


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    with contextlib.ExitStack() as stack:

        def started(**bounds: float) -> Serving:
            serving = Serving(tmp_path, **bounds)
            stack.enter_context(serving.http)
            return serving

        yield started


def test_a_client_that_reads_slowly_gets_all(serve: Callable[..., Serving]) -> None:
    serving = serve(idle_seconds=0.2, write_seconds=1)
    kept, last = serving.connect(), serving.connect()
    with kept, last:
        send(kept, LARGE + b"\r\n")
        send(last, LARGE + b"Connection: close\r\n\r\n")
        began, received = time.monotonic(), {kept: 0, last: 0}
        while time.monotonic() - began < 3.5:  # longer than each bound, and than the end of TLS may take
            for each in received:
                received[each] += len(each.recv(2**14))
            time.sleep(0.01)
        for each, before in received.items():
            assert before + len(answer(each)) > SIZE


def test_a_client_that_does_not_read_is_cut_off(serve: Callable[..., Serving]) -> None:
    serving = serve(idle_seconds=0.1, write_seconds=0.5)
    for head in (LARGE, LARGE + b"Connection: close\r\n"):
        with serving.connect() as connection:
            send(connection, head + b"\r\n")
            time.sleep(0.1)
            assert serving.wait_for_no_connection() < 5


def test_one_that_ends_tls_and_does_not_read_is_cut_off(serve: Callable[..., Serving]) -> None:
    serving = serve(write_seconds=0.5)
    with serving.connect() as connection:
        send(connection, LARGE + b"\r\n")
        time.sleep(0.1)
        connection.settimeout(0)
        with contextlib.suppress(ssl.SSLError):  # the goodbye is out; the answer comes before the other side's
            connection.unwrap()
        assert serving.wait_for_no_connection() < 5


@pytest.mark.parametrize("sent", [WHOLE, LAST], ids=["kept", "last"])
def test_a_client_that_does_not_say_goodbye_is_cut_off(serve: Callable[..., Serving], sent: bytes) -> None:
    serving = serve(idle_seconds=0.1)
    with serving.connect() as connection:
        send(connection, sent)
        time.sleep(0.1)
        assert serving.wait_for_no_connection() < 5, "write_seconds is 30"


def test_a_server_that_ends_waits_for_no_goodbye_after_the_last_answer(serve: Callable[..., Serving]) -> None:
    serving = serve()
    with serving.connect() as connection:
        send(connection, HEAD.replace(b"GET /healthz", b"POST /read") + b"Content-Length: 1\r\n\r\n")
        time.sleep(0.2)
        serving.uvicorn.should_exit = True
        time.sleep(0.2)
        send(connection, b"x")
        assert serving.wait_for_no_connection() < 5
