"""Handshakes that never end: bounded in time, count and memory, while others are answered."""

import contextlib
import os
import resource
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from serving.http_bounds.limits import HttpLimits
from tests.serving.gateway.test_command import lines, process, url_of
from tests.serving.http_bounds.attacks import HEAD, answer, connections, headers, send, statuses
from tests.serving.tls.authority import Authority

pytestmark = pytest.mark.slow

COUNT = 200
MOST_MEBIBYTES = 150


def half_a_hello() -> bytes:
    """The first half of a real ClientHello."""
    out = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    hello = out.read()
    return hello[: len(hello) // 2]


class Secured:
    """A gateway as a process over TLS."""

    def __init__(self, folder: Path, url: str, process_id: int, log: Path):
        self.url, self.log = url, log
        self.address = (httpx.URL(url).host, httpx.URL(url).port or 0)
        self.trust = ssl.create_default_context(cafile=folder / "ca.crt")
        self.process_id = process_id
        self._process = psutil.Process(process_id)

    @property
    def mebibytes(self) -> float:
        return float(self._process.memory_info().rss / 2**20)

    def health(self) -> int:
        return httpx.get(f"{self.url}/healthz", verify=self.trust, timeout=10).status_code

    def reasons(self) -> list[str]:
        return [line["reason"] for line in lines(self.log) if line["event"] == "no TLS"]


@contextlib.contextmanager
def secured(folder: Path, **bounds: str) -> Iterator[Secured]:
    issued = Authority(folder).issue("gateway")
    log = folder / "log"
    environ = {
        "GATEWAY__LISTEN__TLS__CERTIFICATE": str(issued.certificate),
        "GATEWAY__LISTEN__TLS__KEY": str(issued.key),
        **{f"GATEWAY__HTTP__{name.upper()}": value for name, value in bounds.items()},
    }
    with process(log, environ=os.environ | environ) as started:
        yield Secured(folder, url_of(log, started), started.pid, log)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("gateway")
    with secured(folder, handshake_seconds="2", head_seconds="1", idle_seconds="1") as started:
        yield started


def test_half_a_hello_of_many(gateway: Secured) -> None:
    with connections(gateway.address, COUNT) as opened:
        began = time.monotonic()
        for connection in opened:
            send(connection, half_a_hello())
        assert gateway.health() == 200, "others are answered meanwhile"
        assert gateway.mebibytes < MOST_MEBIBYTES
        assert [answer(connection) for connection in opened] == [b""] * COUNT
        assert 1.5 < time.monotonic() - began < 30, "the loop's own bound is 60 s"
        wait_for(lambda: len(gateway.reasons()) == COUNT)  # A client may see the end before the log does.
        assert gateway.reasons() == ["timeout"] * COUNT
        assert gateway.mebibytes < MOST_MEBIBYTES


def test_more_handshakes_than_connections_of_a_client(tmp_path: Path) -> None:
    with (
        secured(tmp_path, handshake_seconds="30", connections_per_client="20") as gateway,
        connections(gateway.address, 50) as opened,
    ):
        wait_for(lambda: len(gateway.reasons()) == 30)
        # Those above the bound are closed at once; of the others nobody hears anything.
        cut_off = [connection for connection in opened if has_ended(connection)]
        assert len(cut_off) == 30
        assert gateway.reasons() == ["too_many_connections"] * 30
        for connection in set(opened) - set(cut_off):
            connection.close()
        wait_for(lambda: gateway.reasons().count("closed") == 20)
        assert gateway.health() == 200, "they do not count any more"


def test_a_server_that_ends_waits_for_no_handshake_and_no_idle_client(tmp_path: Path) -> None:
    log = tmp_path / "log"
    issued = Authority(tmp_path).issue("gateway")
    tls = {"GATEWAY__LISTEN__TLS__CERTIFICATE": str(issued.certificate), "GATEWAY__LISTEN__TLS__KEY": str(issued.key)}
    with process(log, environ=os.environ | tls) as started:
        url = httpx.URL(url_of(log, started))
        trust = ssl.create_default_context(cafile=tmp_path / "ca.crt")
        with connections((url.host, url.port or 0)) as (connection,), httpx.Client(verify=trust) as idle:
            assert idle.get(f"{url}/healthz").status_code == 200
            send(connection, half_a_hello())
            time.sleep(0.2)  # accepted
            started.terminate()
            assert started.wait(HttpLimits().handshake_seconds / 2) == 0
    assert "Traceback" not in log.read_text()


def has_ended(connection: socket.socket) -> bool:
    connection.settimeout(0.1)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True


def test_the_bounds_of_http_hold_over_tls(gateway: Secured) -> None:
    with connections(gateway.address, 60) as opened:
        secured_ones = [gateway.trust.wrap_socket(each, server_hostname="localhost") for each in opened]
        sent = {431: HEAD + headers(60_000), 408: HEAD + headers(8_000), None: b""}
        for number, connection in enumerate(secured_ones):
            send(connection, list(sent.values())[number % 3])
        told = [statuses(connection) for connection in secured_ones]
        assert told == [[431], [408], []] * 20
        assert gateway.mebibytes < MOST_MEBIBYTES
        assert gateway.health() == 200
        for each in secured_ones:
            each.close()


def test_more_connections_than_the_process_may_have_files(gateway: Secured) -> None:
    limits = resource.prlimit(gateway.process_id, resource.RLIMIT_NOFILE)
    resource.prlimit(gateway.process_id, resource.RLIMIT_NOFILE, (60, limits[1]))
    try:
        with connections(gateway.address, 80):
            wait_for(lambda: "Cannot accept connections" in gateway.log.read_text())
    finally:
        resource.prlimit(gateway.process_id, resource.RLIMIT_NOFILE, limits)
    assert gateway.health() == 200


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)
