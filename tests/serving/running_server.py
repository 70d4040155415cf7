"""The embedded server as a process of its own, for tests that talk to it over the wire."""

import contextlib
import dataclasses
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

ROOT = Path(__file__).resolve().parents[2]
_random = random.SystemRandom()  # two test processes that seed their models alike must not choose the same ports
PATIENCE = 120  # seconds; a loaded machine imports TensorFlow in half a minute


@dataclasses.dataclass
class RunningServer:
    """A started server, and stubs on its gRPC port."""

    process: subprocess.Popen[bytes]
    port: int
    rest_port: int
    log: Path

    def __post_init__(self) -> None:
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}", options=[("grpc.enable_http_proxy", 0)])
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)

    @property
    def url(self) -> str:
        """Where REST answers."""
        return f"http://127.0.0.1:{self.rest_port}"

    def states(self, model: str) -> dict[int, str]:
        """State by version; empty for a model that the server does not know."""
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = model
        try:
            rows = self.models.GetModelStatus(request, timeout=PATIENCE).model_version_status
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                return {}
            raise
        return {row.version: get_model_status_pb2.ModelVersionStatus.State.Name(row.state) for row in rows}

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Returns when the condition holds."""
        wait_for(condition, self.process, self.log)

    def wait_for_line(self, text: str) -> None:
        """Returns when the log holds the text."""
        self.wait_for(lambda: text in self.log.read_text())

    def predict(self, **spec: object) -> predict_pb2.PredictRequest:
        """A PredictRequest for a model spec."""
        request = predict_pb2.PredictRequest()
        for name, value in spec.items():
            if name == "version":
                request.model_spec.version.value = value  # type: ignore[assignment]
            else:
                setattr(request.model_spec, name, value)
        return request

    def reload(self, config: object) -> model_management_pb2.ReloadConfigResponse:
        """Hands the server a ModelServerConfig."""
        request = model_management_pb2.ReloadConfigRequest(config=config)  # type: ignore[arg-type]
        return self.models.HandleReloadConfigRequest(request, timeout=PATIENCE)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, from below those that the system gives to outgoing connections."""
    ports: set[int] = set()
    while len(ports) < count:
        port = _random.randrange(15_000, 32_768)
        with contextlib.suppress(OSError), socket.socket() as bound:
            bound.bind(("127.0.0.1", port))
            ports.add(port)
    return list(ports)


def start(folder: Path, *flags: str, name: str = "server") -> RunningServer:
    """Starts the server with flags and free ports; its log goes to `folder`. Returns at once."""
    port, rest_port = free_ports(2)
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "serving", "server", f"--port={port}", f"--rest_api_port={rest_port}", *flags],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return RunningServer(process, port, rest_port, log)


@contextlib.contextmanager
def running(folder: Path, *flags: str, ready: str = "Ready:") -> Iterator[RunningServer]:
    """A server that answers; it is stopped, and has to end with 0, when the block ends."""
    server = start(folder, *flags)
    try:
        server.wait_for_line(ready)
        yield server
        server.channel.close()  # an idle client answers the server's goodbye only seconds later
        if server.process.poll() is None:
            server.process.terminate()
            assert server.process.wait(PATIENCE) == 0, server.log.read_text()
    finally:
        server.process.kill()
        server.process.wait()
        server.channel.close()


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Returns when the condition holds; fails when the process ended or PATIENCE is over."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, f"the process ended with {process.returncode}:\n{log.read_text()}"
        assert time.monotonic() < until, f"waited {PATIENCE} s in vain:\n{log.read_text()}"
        time.sleep(0.02)
