"""What a failed request leaves behind, and what it does to those beside it."""

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest

from serving.gateway.gathered_calls import GatheredCalls
from serving.gateway.model_errors import ConnectionLostError
from serving.gateway.predictor import Predictor
from serving.gateway.settings import ModelSettings
from serving.gateway.version_router import RouteTarget
from tests.serving.gateway.conftest import Start
from tests.serving.gateway.scripted_model import ScriptedModel

# What the model server does, and the answers that it may lead to: the first try is told, or the deadline of the second,
# by which of two clocks ends first.
FAILURES: list[tuple[list[Any], set[int]]] = [
    ([503, 503], {503}),
    (["cut", "cut"], {503}),
    ([500], {502}),
    (["hang"], {504}),
    ([503, "hang"], {503, 504}),
]


@pytest.fixture
def collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


@pytest.mark.slow
@pytest.mark.usefixtures("collector")
def test_none_of_its_rows_is_left_to_the_garbage_collector(
    start: Start, model: ScriptedModel, trip: dict[str, Any]
) -> None:
    client = start({"model.attempts": 2, "model.total_seconds": 0.2})
    companies = {}
    for number, (faults, statuses) in enumerate(FAILURES):
        for length in (10, 5_000):  # gathered, and a call of its own
            company = str(number) * length
            companies[company] = faults
            model.faults = list(faults)
            assert client.post("/v1/tip", json={**trip, "company": company}).status_code in statuses
    model.asked.clear()
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    found = [part for thing in gc.garbage for part in gc.get_referents(thing) if type(part) is str]
    assert [faults for company, faults in companies.items() if company in found] == []


class FragileServer:
    """In the place of PredictClient: a fare of 13 breaks its connection."""

    def __init__(self) -> None:
        self.calls: list[list[float]] = []

    def interval_of(self, version: str) -> None:
        return None

    async def predict(self, version: str, inputs: dict[str, list[float]]) -> list[float]:
        self.calls.append(inputs["fare"])
        if 13.0 in inputs["fare"]:
            raise ConnectionLostError("the connection broke")
        return [fare / 100 for fare in inputs["fare"]]


class OneVersion:
    """In the place of VersionRouter."""

    async def target(self, canary: bool) -> RouteTarget:
        return RouteTarget("1", None)


def test_a_row_that_breaks_the_connection_breaks_no_other_request_twice() -> None:
    async def run() -> None:
        server = FragileServer()
        settings = ModelSettings(name="taxi", backoff_seconds=0, attempts=2)
        calls = GatheredCalls(server, settings, 1000)  # type: ignore[arg-type]
        predictor = Predictor(calls, OneVersion(), settings)  # type: ignore[arg-type]
        fares = (1.0, 13.0, 2.0)
        found = await asyncio.gather(
            *(predictor.predict({"fare": [fare]}, canary=False) for fare in fares), return_exceptions=True
        )
        assert isinstance(found[1], ConnectionLostError)
        assert [one.outputs for one in (found[0], found[2]) if not isinstance(one, BaseException)] == [
            [0.01],
            [0.02],
        ]
        assert server.calls[0] == [1.0, 13.0, 2.0]
        assert sorted(server.calls[1:]) == [[1.0], [2.0], [13.0]]

    asyncio.run(run())
