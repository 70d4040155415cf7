"""A limit that gateways share through a real Redis: `pytest -m redis`. test_redis_access.py has passwords and TLS."""

import asyncio
import concurrent.futures
import contextlib
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog

from serving.gateway.app import create_app
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.rate_limit import RateLimit
from serving.gateway.redis_settings import RedisSettings
from serving.gateway.shared_rate_limit import SharedRateLimit
from tests.serving.gateway.conftest import sample, settings
from tests.serving.gateway.http_server import HttpServer
from tests.serving.gateway.redis_server import RedisServer, running_redis
from tests.serving.gateway.scripted_model import ScriptedModel
from tests.serving.gateway.test_shared_rate_limit import admitted

pytestmark = [pytest.mark.redis, pytest.mark.slow, pytest.mark.one_stack]

Trip = dict[str, Any]
MOST = 20  # requests a second


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


def limit(server: RedisServer, per_second: int = MOST, environ: dict[str, str] | None = None, **more: Any) -> Any:
    of_redis = RedisSettings(**{"url": server.url, "timeout_seconds": 5, "retry_seconds": 0.05, **more})
    return SharedRateLimit(
        RateLimit(per_second), of_redis, prefix="gateway:tip", environ=environ or {}, metrics=GatewayMetrics()
    )


def is_shared(limits: SharedRateLimit) -> bool:
    return limits._shared


@contextlib.contextmanager
def gateways(redis: RedisServer, model_url: str, **more: Any) -> Iterator[list[httpx.Client]]:
    shared = {"limits.redis.url": redis.url, "limits.redis.timeout_seconds": 5}
    flags = shared | {"limits.requests_per_second": MOST} | more
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(2):
            app = create_app(settings(model_url, flags), {})
            url = stack.enter_context(HttpServer(app)).url
            clients.append(stack.enter_context(httpx.Client(base_url=url, timeout=20)))
        yield clients


def send_to_both(clients: list[httpx.Client], trip: Trip) -> tuple[list[int], float]:
    """Sends twice as many requests as one second allows, half of them to each gateway at the same time.

    Returns:
        The statuses, and the seconds that it took.
    """

    def send(client: httpx.Client) -> list[int]:
        return [client.post("/v1/tip", json=trip).status_code for _ in range(MOST)]

    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = [status for statuses in pool.map(send, clients) for status in statuses]
    return found, time.monotonic() - began


def admitted_within_a_second(clients: list[httpx.Client], trip: Trip) -> int:
    """How many of twice as many were admitted, from a run that a slow machine did not stretch beyond a second."""
    for _ in range(10):
        time.sleep(1.1)  # until nothing of the last run counts
        statuses, seconds = send_to_both(clients, trip)
        assert set(statuses) <= {200, 429}
        if seconds < 1:
            return statuses.count(200)
    raise AssertionError("no run took less than a second")


def test_two_gateways_share_one_limit_lose_it_and_share_it_again(
    redis: RedisServer, model: ScriptedModel, model_server: HttpServer, trip: Trip
) -> None:
    with gateways(redis, model_server.url, **{"limits.redis.retry_seconds": 0.1}) as clients:
        store = {"store": redis.url}
        assert admitted_within_a_second(clients, trip) == MOST
        redis.kill()
        assert admitted_within_a_second(clients, trip) == 2 * MOST  # each counts alone
        for client in clients:
            assert sample(client, "gateway_rate_limit_store_up", **store) == 0
            assert sample(client, "gateway_rate_limit_store_failures_total", **store) == 1
        redis.start()
        end = time.monotonic() + 20
        while not all(sample(client, "gateway_rate_limit_store_up", **store) for client in clients):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert admitted_within_a_second(clients, trip) == MOST


def test_the_limit_is_exact_among_many_at_the_same_time(redis: RedisServer) -> None:
    async def check() -> None:
        replicas = [limit(redis, per_second=50) for _ in range(3)]
        for each in replicas:
            await each.start()
        answers = await asyncio.gather(*[admitted(each, name) for _ in range(30) for each in replicas for name in "ab"])
        assert answers.count(True) == 100  # of 180: 50 for each client
        for each in replicas:
            await each.close()

    asyncio.run(check())


def test_what_redis_holds_names_nobody_and_passes(redis: RedisServer) -> None:
    async def check() -> None:
        limits = limit(redis)
        await limits.start()
        assert [await admitted(limits, name) for name in ("key app", "address 198.51.100.7")] == [True, True]
        await limits.close()

    asyncio.run(check())
    with redis.client() as client:
        names = [key.decode() for key in client.scan_iter()]
        assert len(names) == 2
        assert all(name.startswith("gateway:tip:rate:") and len(name.rpartition(":")[2]) == 32 for name in names)
        assert not any("app" in name or "198" in name for name in names)
        assert all(0 < client.pttl(name) <= 1000 for name in names)
        time.sleep(1.1)
        assert client.dbsize() == 0


def test_the_window_slides_and_survives_a_clock_that_goes_back(redis: RedisServer) -> None:
    """A request counts for a second and no longer; a time that is yet to come counts not at all."""

    async def check() -> None:
        limits = limit(redis, per_second=2)
        await limits.start()
        with redis.client() as client:
            name = limits._key("key app")
            for ago, expected in ((1.2, [True, True, False]), (0.2, [False]), (-5.0, [True, True, False])):
                client.delete(name)
                now, micros = client.time()
                for _ in range(2):
                    client.lpush(name, int((now - ago) * 1e6) + micros)
                assert [bool((await limits._window.admit({name: 1}))[0]) for _ in expected] == expected, ago
        await limits.close()

    asyncio.run(check())


def test_a_frozen_redis_delays_nobody_beyond_the_bound_and_is_told_once(redis: RedisServer) -> None:
    async def check() -> None:
        limits = limit(redis, timeout_seconds=0.3, connect_seconds=0.3)
        await limits.start()
        assert await admitted(limits)
        redis.freeze()
        try:
            with structlog.testing.capture_logs() as log:
                waits = await asyncio.wait_for(asyncio.gather(*[_timed(limits, delay) for delay in (0, 0.1, 0.2)]), 10)
                assert max(waits) < 0.3 + 1  # 1: a busy machine
                assert min(waits) > 0.05  # they did ask
                assert await _timed(limits, 0) < 0.25  # whoever comes later does not wait
                await asyncio.sleep(0.5)
                redis.thaw()
                async with asyncio.timeout(20):
                    while not is_shared(limits):
                        await asyncio.sleep(0.01)
        finally:
            redis.thaw()
        assert [line["event"] for line in log] == [
            "requests are counted by each replica alone",
            "requests are counted by all replicas together",
        ]
        await limits.close()

    async def _timed(limits: SharedRateLimit, delay: float) -> float:
        await asyncio.sleep(delay)
        began = time.monotonic()
        assert await admitted(limits)
        return time.monotonic() - began

    asyncio.run(check())


def test_a_script_that_redis_forgot_is_given_again(redis: RedisServer) -> None:
    async def check() -> None:
        limits = limit(redis)
        await limits.start()
        with redis.client() as client:
            client.script_flush()
        assert await admitted(limits)
        async with asyncio.timeout(20):
            while not is_shared(limits):
                await asyncio.sleep(0.01)
        await limits.close()

    asyncio.run(check())
