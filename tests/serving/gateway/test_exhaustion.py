"""What a stranger's connections cost the gateway's process: its memory under each attack."""

import os
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.serving.gateway.test_command import process, url_of
from tests.serving.http_bounds import attacks
from tests.serving.http_bounds.attacks import HEAD, Address, ask, connections, send, statuses

pytestmark = pytest.mark.slow

MOST_MEBIBYTES = 150


class Attacked:
    """The gateway as a process with an API key, which no attacker has."""

    def __init__(self, url: str, process_id: int):
        self.url = url
        self.address: Address = (httpx.URL(url).host, httpx.URL(url).port or 0)
        self._process = psutil.Process(process_id)

    @property
    def mebibytes(self) -> float:
        """Memory of the process that lies in RAM now."""
        return float(self._process.memory_info().rss / 2**20)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    log = tmp_path_factory.mktemp("gateway") / "log"
    bounds = {"GATEWAY__HTTP__HEAD_SECONDS": "1", "GATEWAY__HTTP__IDLE_SECONDS": "1"}
    with process(log, environ=os.environ | bounds | {"GATEWAY_API_KEYS": "app:0123456789abcdef"}) as started:
        yield Attacked(url_of(log, started), started.pid)


@pytest.mark.parametrize(
    ("sent", "status"),
    [(HEAD + b"X: ", 431), (HEAD + b"a" * 100 + b":", 431), (b"GET /", 414)],
)
def test_lines_without_end(attacked: Attacked, sent: bytes, status: int) -> None:
    with connections(attacked.address) as (connection,):
        send(connection, sent)
        send(connection, b"a" * 2**20, 50)
        assert statuses(connection) == [status]
    assert attacked.mebibytes < MOST_MEBIBYTES


def test_headers_without_end(attacked: Attacked) -> None:
    assert ask(attacked.address, HEAD + b"a:b\r\n" * 2**22) == [431]
    assert attacked.mebibytes < MOST_MEBIBYTES


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (HEAD + attacks.headers(60_000), [431]),
        (HEAD + attacks.headers(8_000), [408]),
        (HEAD + b"X: y", [408]),
        (b"", []),
        ((HEAD + b"\r\n") * 1000, None),
    ],
    ids=["60 kB of headers", "half a head", "a few bytes", "nothing", "a thousand requests"],
)
def test_many_connections(attacked: Attacked, sent: bytes, found: list[int] | None) -> None:
    with connections(attacked.address, 300) as opened:
        for connection in opened:
            send(connection, sent)
        assert attacked.mebibytes < MOST_MEBIBYTES
        told = [statuses(connection) for connection in opened]
        assert attacked.mebibytes < MOST_MEBIBYTES
    if found is not None:
        assert told == [found] * 300
    assert httpx.get(f"{attacked.url}/healthz").status_code == 200
