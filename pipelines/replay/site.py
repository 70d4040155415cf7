"""Run a model server and a gateway for a replay, on free ports of this machine and over one folder."""

import contextlib
import datetime
import random
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq

from pipelines.replay.errors import ReplayError
from pipelines.replay.processes import Server
from serving.request_log.files import log_files

_PATIENCE = 120.0  # seconds; under load the import of TensorFlow takes half a minute
_FILE_SECONDS = 1  # of rows in a file of the request log, so that a window ends soon after its last row
_LOOPBACK = "127.0.0.1"
_chance = random.SystemRandom()  # two replays that start together must not choose the same ports


class Site:
    """The model server and the gateway of a replay.

    Args:
        task: name of the task.
        var: the folder that runs push to and the gateway logs to.
        settings: of the gateway.
    """

    def __init__(self, task: str, var: Path, settings: Path):
        self.requests = var / "requests" / task
        grpc_port, self._rest_port, self._gateway_port = _free_ports(3)
        self.server_address = f"{_LOOPBACK}:{grpc_port}:{self._rest_port}"  # as `continuous --server` takes it
        self._server_flags = (
            "--task", task, "--var", str(var), f"--port={grpc_port}", f"--rest_api_port={self._rest_port}",
        )  # fmt: skip
        self._gateway_options = (
            "--settings", str(settings), "--task", task, "--var", str(var), f"--port={self._gateway_port}",
            f"--host={_LOOPBACK}", f"--model-server=http://{_LOOPBACK}:{self._rest_port}",
        )  # fmt: skip
        self._var = var

    @property
    def url(self) -> str:
        """Address of the gateway."""
        return f"http://{_LOOPBACK}:{self._gateway_port}"

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start both servers, and stop them at the end of the block.

        Yields:
            Once, when both servers can answer.

        Raises:
            ReplayError: A server did not start.
        """
        variables = {
            # The replay is the only client, and sends a quarter's rows within seconds.
            "GATEWAY__LIMITS__REQUESTS_PER_SECOND": "0",
            "GATEWAY__REQUEST_LOG__MAX_FILE_SECONDS": str(_FILE_SECONDS),
        }
        with contextlib.ExitStack() as stack:
            server = Server("server", self._var / "server.log", self._server_flags, {})
            stack.callback(server.stop)
            gateway = Server("gateway", self._var / "gateway.log", self._gateway_options, variables)
            stack.callback(gateway.stop)
            _wait_for(lambda: _answers(f"{self.url}/readyz"), [server, gateway], "a model to answer at the gateway")
            yield

    def wait_for_log(self, since: datetime.datetime, rows: int) -> None:
        """Wait until finished files of the request log hold all answered rows.

        Args:
            since: when the first row was sent, with time zone.
            rows: number of answered rows.

        Raises:
            ReplayError: The rows are not there after 120 s.
        """
        _wait_for(lambda: self._logged(since) >= rows, [], f"{rows:,} rows in {self.requests}")

    def _logged(self, since: datetime.datetime) -> int:
        found = 0
        for path in log_files(self.requests, since):
            times = pq.read_table(path, columns=["request_time"])["request_time"].to_pylist()
            found += sum(time >= since for time in times)
        return found


def _answers(url: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _wait_for(condition: Callable[[], bool], servers: list[Server], what: str) -> None:
    until = time.monotonic() + _PATIENCE
    while not condition():
        for server in servers:
            if not server.alive:
                raise ReplayError(f"the {server.name} ended; see {server.log}")
        if time.monotonic() > until:
            logs = " and ".join(str(server.log) for server in servers)
            advice = f"; see {logs}" if logs else ""
            raise ReplayError(f"waited {_PATIENCE:.0f} s for {what} without success{advice}")
        time.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    """Return free ports, below those that the system gives to outgoing connections."""
    ports: set[int] = set()
    while len(ports) < count:
        port = _chance.randrange(15_000, 32_768)
        with contextlib.suppress(OSError), socket.socket() as bound:
            bound.bind((_LOOPBACK, port))
            ports.add(port)
    return list(ports)
