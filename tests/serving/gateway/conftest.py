"""A gateway on a free port, before a model server whose faults the test chooses."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from serving import contract as contracts
from serving.contract import Contract
from serving.gateway.app import create_app
from serving.gateway.settings import GatewaySettings, load
from tests.serving.gateway.http_server import HttpServer
from tests.serving.gateway.scripted_model import ScriptedModel

ROOT = Path(__file__).resolve().parents[3]
TAXI_SETTINGS = ROOT / "serving/gateway/taxi.toml"
TAXI_CONTRACT = ROOT / "data/schema/taxi.pbtxt"

Start = Callable[..., httpx.Client]


@pytest.fixture(scope="session")
def contract() -> Contract:
    return contracts.read(TAXI_CONTRACT)


@pytest.fixture
def trip(contract: Contract) -> dict[str, Any]:
    return dict(contract.example)


class CurrentModel:
    """The application of the one model server: the model of the test that runs now."""

    model: ScriptedModel

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.model(scope, receive, send)


@pytest.fixture(scope="session")
def current_model(contract: Contract) -> CurrentModel:
    current = CurrentModel()
    current.model = ScriptedModel(contract)
    return current


@pytest.fixture(scope="session")
def model_server(current_model: CurrentModel) -> Iterator[HttpServer]:
    with HttpServer(current_model) as server:
        yield server


@pytest.fixture
def model(current_model: CurrentModel, contract: Contract) -> ScriptedModel:
    current_model.model = ScriptedModel(contract)
    return current_model.model


def settings(model_url: str, flags: dict[str, Any] | None = None) -> GatewaySettings:
    """The taxi task's settings, quick to give up, with others over them (dotted names)."""
    quick = {"model.resolve_seconds": 0.001, "model.backoff_seconds": 0.001, "limits.requests_per_second": 0}
    return load(TAXI_SETTINGS, {}, {"model.server": model_url, **quick, **(flags or {})})


@pytest.fixture
def start(model: ScriptedModel, model_server: HttpServer) -> Iterator[Start]:
    """Starts a gateway and gives a client of it; settings by dotted names, `environ` for API keys."""
    with contextlib.ExitStack() as stack:

        def started(flags: dict[str, Any] | None = None, environ: dict[str, str] | None = None) -> httpx.Client:
            app = create_app(settings(model_server.url, flags), environ or {})
            server = stack.enter_context(HttpServer(app))
            return stack.enter_context(httpx.Client(base_url=server.url, timeout=10))

        yield started


@pytest.fixture
def client(start: Start) -> httpx.Client:
    return start()


def sample(client: httpx.Client, name: str, **labels: str) -> float:
    """The value of a metric now; 0 for one that is not there."""
    from prometheus_client.parser import text_string_to_metric_families

    for family in text_string_to_metric_families(client.get("/metrics").text):
        for found in family.samples:
            if found.name == name and found.labels == labels:
                return float(found.value)
    return 0.0
