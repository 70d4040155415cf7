"""The embedded server as a process, for roll-outs to work on."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from serving.rollout.admin_client import AdminClient
from serving.rollout.errors import ServerDownError
from tests.serving.running_server import free_ports

ROOT = Path(__file__).resolve().parents[3]
_START_SECONDS = 90


class ServerProcess:
    """One server; `option` is how a roll-out is told about it."""

    def __init__(self, config: Path, log: Path, ports: tuple[int, int] | None = None) -> None:
        """Starts it and waits until it answers.

        Args:
            config: its models.config.
            log: file for what it says.
            ports: gRPC and REST; two free ones when there are none given.
        """
        self.ports = ports or tuple(free_ports(2))
        self.option = f"127.0.0.1:{self.ports[0]}:{self.ports[1]}"
        self._log = log
        command = [
            sys.executable, "-m", "serving", "server",
            "--port", str(self.ports[0]), "--rest_api_port", str(self.ports[1]),
            "--model_config_file", str(config), "--max_num_load_retries=0", "--file_system_poll_wait_seconds=0.2",
            "--allow_version_labels_for_unavailable_models=true",
        ]  # fmt: skip
        with log.open("ab") as output:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
        try:
            self._wait()
        except BaseException:
            self.kill()
            raise

    def client(self, model: str = "taxi") -> AdminClient:
        return AdminClient(host="127.0.0.1", grpc_port=self.ports[0], rest_port=self.ports[1], model=model, timeout=60)

    def assert_alive(self) -> None:
        assert self._process.poll() is None, f"ended with {self._process.poll()}: {self._log.read_text()[-2000:]}"

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _wait(self) -> None:
        end = time.monotonic() + _START_SECONDS
        with self.client("none") as client:
            while True:
                with contextlib.suppress(ServerDownError):
                    client.versions()
                    client.version_of("none")
                    return
                self.assert_alive()
                assert time.monotonic() < end, self._log.read_text()
                time.sleep(0.05)


@contextlib.contextmanager
def running(config: Path, log: Path, ports: tuple[int, int] | None = None) -> Iterator[ServerProcess]:
    server = ServerProcess(config, log, ports)
    try:
        yield server
    finally:
        server.kill()
