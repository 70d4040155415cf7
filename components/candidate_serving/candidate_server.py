"""Start the embedded model server on a candidate model, in a child process that ends with the gate that started it."""

import contextlib
import dataclasses
import http.client
import socket
import time
import uuid
from pathlib import Path
from typing import Self

from components.candidate_serving import child_process, standby
from serving.server import command

HOST = "127.0.0.1"
LOG = "model_server.log"
_PROJECT = Path(__file__).resolve().parents[2]
_PROGRAM = ("-m", command.__name__)
_ATTEMPTS = 3  # to find two free ports that are still free when the server has loaded the model
_POLL_SECONDS = 0.02
# Begins the last message of TensorFlow Serving and of the embedded server; TensorFlow's part may have many lines.
_FAILED = "Failed to start server. Error: "


class CandidateServerError(RuntimeError):
    """The model server does not serve the candidate; the message is the server's where it wrote one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Address:
    """The ports of a server, and the name of the model that it serves."""

    model: str
    grpc_port: int
    rest_port: int


class CandidateServer:
    """A model server for the newest version in a folder, as a context manager.

    `__enter__` starts the server and does not wait for it. `__exit__` ends it.
    """

    def __init__(self, base: Path, workdir: Path):
        """Keep the folder of versions, `base`, and the folder in which the log, `LOG`, is written."""
        self._base = base.resolve()
        self._workdir = workdir
        self._log = workdir / LOG
        self._processes = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._processes.close()

    def wait_until_ready(self, seconds: float) -> Address:
        """Wait until the server has loaded the model, and return its address.

        If the server ended because another program took one of its ports, it is started again on other ports, at most
        twice.

        Args:
            seconds: how long to wait, over all starts.

        Returns:
            The server's ports and the name of the model.

        Raises:
            CandidateServerError: The server has ended, or was not ready in time.
        """
        until = time.monotonic() + seconds
        attempts = 1
        while not self._is_ready():
            if self._process.poll() is not None:
                if attempts == _ATTEMPTS or not self._port_was_taken():
                    status = self._process.returncode
                    raise CandidateServerError(f"{_failure_message(self._log)} (exit status {status})")
                attempts += 1
                self._start()
            if time.monotonic() > until:
                raise CandidateServerError(f"the model server was not ready after {seconds:g} s")
            time.sleep(_POLL_SECONDS)
        return self._address

    def _start(self) -> None:
        grpc_port, rest_port = _free_ports(2)
        # The name is unique, so that a server of another program on the same port is not taken for this one.
        self._address = Address(model=f"candidate-{uuid.uuid4().hex}", grpc_port=grpc_port, rest_port=rest_port)
        flags = {
            "port": grpc_port,
            "rest_api_port": rest_port,
            "model_name": self._address.model,
            "model_base_path": self._base,
            "file_system_poll_wait_seconds": 0,
            "max_num_load_retries": 0,  # a model that does not load the first time is refused
        }
        self._process = self._processes.enter_context(
            standby.run_python(
                [*_PROGRAM, *(f"--{name}={value}" for name, value in flags.items())],
                workdir=self._workdir,
                log=self._log,
                project=_PROJECT,
            )
        )

    def _is_ready(self) -> bool:
        """Return whether the REST port, which opens after the gRPC port, answers for the model."""
        connection = http.client.HTTPConnection(HOST, self._address.rest_port, timeout=1)
        try:
            connection.request("GET", f"/v1/models/{self._address.model}/metadata")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):  # nothing listens on the port yet, or another program does
            return False
        finally:
            connection.close()

    def _port_was_taken(self) -> bool:
        """Return whether another program took one of the ports while the server was loading."""
        return not all(_is_free(port) for port in (self._address.grpc_port, self._address.rest_port))


def _failure_message(log: Path) -> str:
    """Return the server's own error message on one line, or the last line of its log if there is none."""
    _, start, message = log.read_text(errors="replace").rpartition(_FAILED)
    return " ".join((start + message).split()) if start else child_process.read_last_line(log)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server((HOST, 0))) for _ in range(count)]
        return [listening.getsockname()[1] for listening in sockets]


def _is_free(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True
