"""Start the model server and the gateway as in production, each in a separate process."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.serving.phases import Batching
from benchmarks.serving.plan import Targets
from serving.server import config

_PROJECT = Path(__file__).resolve().parents[2]
_BATCHING = _PROJECT / "serving" / "deploy" / "model_server" / "batching.config"
_START_SECONDS = 120  # a busy machine imports TensorFlow in half a minute
_STOP_SECONDS = 60
_POLL_SECONDS = 0.05
_LINES_SHOWN = 10


class ServerError(RuntimeError):
    """A server did not start or stop cleanly; the message has the end of its log."""


@contextlib.contextmanager
def serving(model: str, base: Path, batching: Batching, settings: Path, folder: Path) -> Iterator[Targets]:
    """Start the server of the newest version below `base`, and its gateway; stop both when the block ends.

    Args:
        model: the model's name.
        base: the folder of versions.
        batching: whether the server batches, with the deployment's parameters.
        settings: the gateway's TOML file.
        folder: for the logs.

    Yields:
        The addresses of both, once they answer.

    Raises:
        ServerError: One of them does not start, or fails.
    """
    grpc_port, rest_port, gateway_port = free_ports(3)
    flags = [f"--port={grpc_port}", f"--rest_api_port={rest_port}", f"--model_name={model}"]
    flags += [f"--model_base_path={base.resolve()}", "--max_num_load_retries=0"]  # a broken model stays broken
    if batching is Batching.ON:
        flags += ["--enable_batching", f"--batching_parameters_file={_BATCHING}"]
    gateway_flags = ["--settings", str(settings.resolve()), "--port", str(gateway_port)]
    gateway_flags += ["--model-server", f"http://127.0.0.1:{rest_port}"]
    # one caller sends more than any end user may
    unlimited = {"GATEWAY__LIMITS__REQUESTS_PER_SECOND": "0"}
    with (
        running("serving server", ["-m", "serving", "server", *flags], {}, folder / "server.log") as server,
        running(
            "serving gateway", ["-m", "serving", "gateway", *gateway_flags], unlimited, folder / "gateway.log"
        ) as gateway,
    ):
        server.wait_for(f"http://127.0.0.1:{rest_port}/v1/models/{model}/metadata")
        gateway.wait_for(f"http://127.0.0.1:{gateway_port}/readyz")
        yield Targets(
            model=model,
            rest_port=rest_port,
            grpc_port=grpc_port,
            gateway_port=gateway_port,
            gateway_route=f"/v1/{tomllib.loads(settings.read_text())['endpoint']}",
            processes={"server": server.process.pid, "gateway": gateway.process.pid},
        )


def batching_parameters() -> dict[str, Any]:
    """Return the server's batching parameters, as in benchmarks.capacity.measured.ServiceTimes."""
    read = config.read_batching(_BATCHING)
    return {
        "batch_rows": read.max_batch_size.value,
        "batch_seconds": read.batch_timeout_micros.value / 1e6,
        "batch_threads": read.num_batch_threads.value,
        "allowed_rows": list(read.allowed_batch_sizes),
    }


class Running:
    """A process and its log."""

    def __init__(self, command: str, process: subprocess.Popen[bytes], log: Path):
        self.command, self.process, self.log = command, process, log

    def wait_for(self, url: str) -> None:
        """Return when the URL answers with 200.

        Args:
            url: to ask.

        Raises:
            ServerError: The process has ended, or it takes too long.
        """
        wait_until(lambda: answers(url), f"{self.command} to answer at {url}", self._require_alive)

    def stop(self) -> None:
        """Stop it cleanly.

        Raises:
            ServerError: It ended before, or with a status other than 0.
        """
        self._require_alive()
        self.process.terminate()
        if status := self.process.wait(_STOP_SECONDS):
            raise self._error(f"ended with status {status}")

    def _require_alive(self) -> None:
        if self.process.poll() is not None:
            raise self._error(f"ended by itself with status {self.process.returncode}")

    def _error(self, what: str) -> ServerError:
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-_LINES_SHOWN:])
        return ServerError(f"{self.command} {what}; its log ends with\n{tail}")


@contextlib.contextmanager
def running(
    name: str, arguments: Sequence[str], more: Mapping[str, str], log: Path, python: str = sys.executable
) -> Iterator[Running]:
    """Start a Python process; stop it when the block ends.

    Args:
        name: the process's name in messages.
        arguments: to Python.
        more: environment variables in addition to this process's own.
        log: receives its output.
        python: the interpreter; by default the current one.

    Yields:
        The process.

    Raises:
        ServerError: It ended before the block, or with a status other than 0.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, *arguments],
            cwd=_PROJECT,
            env={**os.environ, **more},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    started = Running(name, process, log)
    try:
        yield started
        started.stop()
    finally:
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    """Return whether a GET of the URL is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:  # nothing listens there yet, or the answer is an error (an OSError, too)
        return False


def wait_until(condition: Callable[[], bool], what: str, check: Callable[[], None] = lambda: None) -> None:
    """Return when the condition holds.

    Args:
        condition: to wait for.
        what: the condition in words.
        check: raises when waiting is useless.

    Raises:
        ServerError: It does not hold in time.
    """
    until = time.monotonic() + _START_SECONDS
    while not condition():
        check()
        if time.monotonic() > until:
            raise ServerError(f"time-out: expected {what} within {_START_SECONDS} s")
        time.sleep(_POLL_SECONDS)


def free_ports(count: int) -> list[int]:
    """Return free ports of this machine."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listening.getsockname()[1] for listening in sockets]
