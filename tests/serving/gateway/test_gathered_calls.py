"""Rows that share a call of the model server: whose answer is whose, who waits for whom, and who hears of a fault."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from serving.gateway.gathered_calls import GatheredCalls
from serving.gateway.model_errors import InvalidResponseError, ModelError, ModelUnavailableError
from serving.gateway.settings import ModelSettings

Rows = dict[str, list[Any]]


class Server:
    """In the place of PredictClient: answers each row with a tenth of its fare, when the test lets it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[float]]] = []  # version, fares
        self.open = asyncio.Event()
        self.open.set()
        self.faults: list[ModelError] = []
        self.poison: float | None = None  # a fare that makes a call fail

    async def predict(self, version: str, inputs: Rows) -> list[float]:
        fares = list(inputs["fare"])
        self.calls.append((version, fares))
        await self.open.wait()
        if self.faults:
            raise self.faults.pop(0)
        if self.poison in fares:
            raise InvalidResponseError("expected status 200, received 400")
        assert list(inputs["company"]) == [f"{fare:g}" for fare in fares]  # columns stay in step
        return [fare / 10 for fare in fares]


def ask(calls: GatheredCalls, *fares: float, version: str = "1") -> Coroutine[Any, Any, list[float]]:
    return calls.predict(version, {"fare": list(fares), "company": [f"{fare:g}" for fare in fares]})


def gathered(server: Server, most: int = 1000, **settings: Any) -> GatheredCalls:
    return GatheredCalls(server, ModelSettings(name="taxi", **settings), most)  # type: ignore[arg-type]


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def fill(server: Server, calls: GatheredCalls) -> list[asyncio.Task[list[float]]]:
    """As many calls as go out before rows are gathered; none of them answers yet."""
    server.open.clear()
    busy = []
    for fare in (1.0, 2.0):
        busy.append(asyncio.create_task(ask(calls, fare)))
        await turns()
    assert [fares for _, fares in server.calls] == [[1.0], [2.0]]
    return busy


def test_a_request_that_comes_alone_is_a_call_at_once() -> None:
    async def run() -> None:
        server = Server()
        calls = gathered(server, gather_seconds=1)
        async with asyncio.timeout(0.5):
            assert await ask(calls, 5.0, 6.0) == [0.5, 0.6]
        assert server.calls == [("1", [5.0, 6.0])]

    asyncio.run(run())


def test_requests_that_arrive_together_share_a_call_and_each_gets_its_own_rows() -> None:
    async def run() -> None:
        server = Server()
        calls = gathered(server)
        found = await asyncio.gather(ask(calls, 1.0), ask(calls, 2.0, 3.0), ask(calls, 4.0))
        assert found == [[0.1], [0.2, 0.3], [0.4]]
        assert server.calls == [("1", [1.0, 2.0, 3.0, 4.0])]

    asyncio.run(run())


def test_rows_are_gathered_while_calls_run_and_go_out_when_one_ends() -> None:
    async def run() -> None:
        server = Server()
        calls = gathered(server, gather_seconds=1)
        busy = await fill(server, calls)
        late = [asyncio.create_task(ask(calls, fare)) for fare in (3.0, 4.0)]
        await turns()
        assert len(server.calls) == 2
        server.open.set()
        assert await asyncio.gather(*busy, *late) == [[0.1], [0.2], [0.3], [0.4]]
        assert server.calls[2:] == [("1", [3.0, 4.0])]

    asyncio.run(run())


def test_a_call_that_hangs_holds_up_nobody_longer_than_the_setting_says() -> None:
    async def run() -> None:
        server = Server()
        calls = gathered(server, gather_seconds=0.01)
        busy = await fill(server, calls)
        late = asyncio.create_task(ask(calls, 3.0))
        async with asyncio.timeout(1):
            while len(server.calls) < 3:
                await asyncio.sleep(0.001)
        assert server.calls[2] == ("1", [3.0])
        server.open.set()
        await asyncio.gather(*busy, late)

    asyncio.run(run())


def test_a_call_has_no_more_rows_than_the_setting_says() -> None:
    async def run() -> None:
        server = Server()
        calls = gathered(server, gather_rows=3)
        found = await asyncio.gather(
            ask(calls, 1.0, 2.0), ask(calls, 3.0, 4.0), ask(calls, 5.0), ask(calls, 6.0, 7.0, 8.0, 9.0)
        )
        assert found == [[0.1, 0.2], [0.3, 0.4], [0.5], [0.6, 0.7, 0.8, 0.9]]
        assert sorted(fares for _, fares in server.calls) == [[1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0]]

    asyncio.run(run())


def test_a_call_has_no_more_rows_than_a_request_may() -> None:
    async def run() -> None:
        server = Server()
        calls = gathered(server, most=2)
        await asyncio.gather(*(ask(calls, fare) for fare in (1.0, 2.0, 3.0)))
        assert [fares for _, fares in server.calls] == [[1.0, 2.0], [3.0]]

    asyncio.run(run())


def test_a_request_with_long_texts_is_a_call_of_its_own() -> None:
    async def run() -> None:
        asked: list[list[str]] = []

        class Texts:
            async def predict(self, version: str, inputs: Rows) -> list[float]:
                asked.append(inputs["company"])
                return [0.5] * len(inputs["company"])

        calls = gathered(Texts())  # type: ignore[arg-type]
        texts = ["a" * 1000, "b" * 1001, "c"]
        await asyncio.gather(*(calls.predict("1", {"fare": [1.0], "company": [text]}) for text in texts))
        assert asked == [["b" * 1001], ["a" * 1000, "c"]]

    asyncio.run(run())


def test_one_row_a_call_is_no_gathering() -> None:
    async def run() -> None:
        server = Server()
        calls = gathered(server, gather_rows=1)
        await asyncio.gather(*(ask(calls, fare) for fare in (1.0, 2.0, 3.0)))
        assert [fares for _, fares in server.calls] == [[1.0], [2.0], [3.0]]

    asyncio.run(run())


def test_versions_share_nothing() -> None:
    async def run() -> None:
        server = Server()
        calls = gathered(server)
        await asyncio.gather(ask(calls, 1.0), ask(calls, 2.0, version="2"), ask(calls, 3.0))
        assert server.calls == [("1", [1.0, 3.0]), ("2", [2.0])]

    asyncio.run(run())


def test_a_row_that_the_server_refuses_is_no_fault_of_the_others() -> None:
    async def run() -> None:
        server = Server()
        server.poison = 2.0
        calls = gathered(server)
        found = await asyncio.gather(*(ask(calls, fare) for fare in (1.0, 2.0, 3.0)), return_exceptions=True)
        assert found[0] == [0.1]
        assert found[2] == [0.3]
        assert isinstance(found[1], InvalidResponseError)
        assert [fares for _, fares in server.calls] == [[1.0, 2.0, 3.0], [1.0], [2.0], [3.0]]

    asyncio.run(run())


def test_a_server_that_is_busy_is_told_to_each_and_asked_once() -> None:
    async def run() -> None:
        server = Server()
        server.faults = [ModelUnavailableError("busy")]
        calls = gathered(server)
        found = await asyncio.gather(ask(calls, 1.0), ask(calls, 2.0), return_exceptions=True)
        assert [str(error) for error in found] == ["busy", "busy"]
        assert all(isinstance(error, ModelUnavailableError) for error in found)
        assert found[0] is not found[1]
        assert len(server.calls) == 1
        assert await ask(calls, 3.0) == [0.3]  # the next call is another chance

    asyncio.run(run())


def test_a_caller_that_leaves_takes_its_rows_along_and_nobody_elses() -> None:
    async def run() -> None:
        server = Server()
        calls = gathered(server, gather_seconds=1)
        busy = await fill(server, calls)
        leaving, staying = (asyncio.create_task(ask(calls, fare)) for fare in (3.0, 4.0))
        await turns()
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        busy[0].cancel()  # while its call runs
        server.open.set()
        assert await asyncio.gather(busy[1], staying) == [[0.2], [0.4]]
        assert server.calls[2:] == [("1", [4.0])]

    asyncio.run(run())


def test_a_call_that_nobody_waits_for_ends() -> None:
    async def run() -> None:
        server = Server()
        server.open.clear()
        calls = gathered(server)
        both = [asyncio.create_task(ask(calls, fare)) for fare in (1.0, 2.0)]
        await turns()
        both[0].cancel()
        await turns()
        assert len(calls._running) == 1  # the other one waits for it
        both[1].cancel()
        await turns()
        assert not calls._running
        assert not calls._versions

    asyncio.run(run())


def test_a_request_can_have_a_call_of_its_own() -> None:
    async def run() -> None:
        server = Server()
        calls = gathered(server)
        rows = {"fare": [2.0], "company": ["2"]}
        found = await asyncio.gather(ask(calls, 1.0), calls.predict("1", rows, alone=True), ask(calls, 3.0))
        assert found == [[0.1], [0.2], [0.3]]
        assert sorted(fares for _, fares in server.calls) == [[1.0, 3.0], [2.0]]

    asyncio.run(run())


def test_nothing_is_kept_of_a_version_that_is_not_asked_any_more() -> None:
    async def run() -> None:
        server = Server()
        calls = gathered(server)
        await asyncio.gather(*(ask(calls, 1.0, version=str(version)) for version in range(50)))
        await turns()
        assert not calls._versions
        assert not calls._running

    asyncio.run(run())
