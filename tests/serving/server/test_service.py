"""What the service makes of what the manager says; its answers are asked for in test_rest.py and test_grpc.py."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace

import grpc
import httpx
import pytest
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import model_pb2

from serving.server.errors import ServingError
from serving.server.metrics import ServerMetrics
from serving.server.model_versions import ModelVersion, State
from serving.server.rest import rest_app
from serving.server.service import Service


class Manager:
    """Has a version that answers, and a newer one that could not be loaded."""

    def status(self, _: model_pb2.ModelSpec) -> list[ModelVersion]:
        failed = ServingError(grpc.StatusCode.NOT_FOUND, "no saved_model.pb")
        return [
            ModelVersion(9, Path("9"), state=State.END, error=failed),
            ModelVersion(8, Path("8"), state=State.AVAILABLE),
        ]

    @contextlib.contextmanager
    def lease(self, _: model_pb2.ModelSpec) -> Iterator[tuple[int, object]]:
        signature = meta_graph_pb2.SignatureDef()
        signature.inputs["x"].dtype = types_pb2.DT_FLOAT
        yield (
            8,
            SimpleNamespace(
                signatures={"serving_default": signature}, inputs={"serving_default": dict(signature.inputs)}
            ),
        )

    def knows(self, _: str) -> bool:
        return True


class InstantLargeJson:
    """Has read every body, without a process."""

    signature_name, rows = "", False

    def of(self, _: bytes) -> "InstantLargeJson":
        return self

    @contextlib.asynccontextmanager
    async def predict(self, _: bytes) -> AsyncIterator["InstantLargeJson"]:
        yield self

    async def tensors(self, _: object) -> dict[str, object]:
        return {}


class NeverRunner:
    """Runs without end."""

    def __init__(self) -> None:
        self.running = asyncio.Event()

    async def run(self, *_: object) -> None:
        self.running.set()
        await asyncio.Event().wait()


def test_a_version_that_failed_shows_code_and_message() -> None:
    service = Service(Manager(), None, ServerMetrics())  # type: ignore[arg-type]
    rows = service.status(model_pb2.ModelSpec(name="line")).model_version_status
    assert [(row.version, row.state, row.status.error_code, row.status.error_message) for row in rows] == [
        (9, State.END, grpc.StatusCode.NOT_FOUND.value[0], "no saved_model.pb"),
        (8, State.AVAILABLE, 0, ""),
    ]


@pytest.mark.parametrize(
    ("seconds", "padding", "status"),
    [
        (0.05, 0, "DEADLINE_EXCEEDED"),
        (0.05, 2**18, "DEADLINE_EXCEEDED"),
        (60, 0, "CANCELLED"),
    ],
    ids=["late", "late and large", "left"],
)
def test_a_late_request_is_not_counted_as_one_whose_caller_left(seconds: float, padding: int, status: str) -> None:
    metrics = ServerMetrics()

    async def ask() -> None:
        runner = NeverRunner()
        service = Service(Manager(), runner, metrics)  # type: ignore[arg-type]
        app = rest_app(service, None, bytes, large_json=InstantLargeJson(), seconds=seconds)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server") as client:
            body = b'{"inputs": 1}' + b" " * padding
            asking = asyncio.ensure_future(client.post("/v1/models/line:predict", content=body))
            await runner.running.wait()
            if status == "CANCELLED":
                asking.cancel()
                await asyncio.wait([asking])
            else:
                assert (await asking).status_code == 504

    asyncio.run(asyncio.wait_for(ask(), 30))
    counts = [line for line in metrics.render().decode().splitlines() if "request_count{" in line]
    assert counts == [f':tensorflow:serving:request_count{{model_name="line",status="{status}"}} 1.0']
