"""A limit that is shared through a Redis that is not there, or does not answer. test_redis_window.py has a Redis."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog

from serving.gateway.metrics import GatewayMetrics
from serving.gateway.problems import ProblemError
from serving.gateway.rate_limit import RateLimit
from serving.gateway.redis_settings import PASSWORD_FILE_VARIABLE, PASSWORD_VARIABLE, RedisSettings, read_password
from serving.gateway.settings import SettingsError
from serving.gateway.shared_rate_limit import SharedRateLimit
from tests.serving.gateway.conftest import Start, settings

Test = Callable[[], Awaitable[None]]


def limit(url: str, per_second: int = 3, **more: float) -> tuple[SharedRateLimit, GatewayMetrics]:
    metrics = GatewayMetrics()
    of_redis = RedisSettings(url=url, **{"connect_seconds": 0.1, "retry_seconds": 0.05, **more})
    return SharedRateLimit(RateLimit(per_second), of_redis, prefix="gateway:tip", environ={}, metrics=metrics), metrics


async def admitted(limits: SharedRateLimit, client: str = "key app") -> bool:
    try:
        await limits.count(client)
    except ProblemError as problem:
        if (problem.status, problem.headers) != (429, {"Retry-After": "1"}):
            raise
        return False
    return True


@asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """Takes connections and never answers."""
    gone = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        gone.set()
        server.close()


def test_without_redis_each_replica_counts_alone(tmp_path: Path) -> None:
    async def check() -> None:
        limits, metrics = limit(f"unix://{tmp_path}/none.sock")
        with structlog.testing.capture_logs() as log:
            await limits.start()
            assert [await admitted(limits) for _ in range(5)] == [True] * 3 + [False] * 2
            assert await admitted(limits, "key other")
            await asyncio.sleep(0.3)  # tried again several times, and told once
        assert [line["event"] for line in log] == ["requests are counted by each replica alone"]
        assert str(tmp_path) in log[0]["redis"]
        assert metrics.registry.get_sample_value("gateway_rate_limit_store_up", {"store": log[0]["redis"]}) == 0
        await limits.close()

    asyncio.run(check())


def test_a_server_that_says_nothing_holds_up_neither_start_nor_requests() -> None:
    async def check() -> None:
        async with silent_server() as url, asyncio.timeout(5):
            limits, _ = limit(url)
            await limits.start()
            began = time.monotonic()
            assert [await admitted(limits) for _ in range(4)] == [True] * 3 + [False]
            assert time.monotonic() - began < 0.3  # no request waits while Redis is known to be away
            await limits.close()

    asyncio.run(check())


@pytest.mark.slow
def test_no_limit_asks_nobody_and_misses_no_store(start: Start) -> None:
    """The alert RateLimitStoreAway asks for a store that is 0."""
    for per_second, told in ((0, False), (1000, True)):
        flags = {"limits.redis.url": "redis://127.0.0.1:1", "limits.requests_per_second": per_second}
        assert ("gateway_rate_limit_store_up{" in start(flags).get("/metrics").text) is told


@pytest.mark.parametrize("cause", [ValueError("odd"), EOFError(), OSError("gone")])
def test_no_failure_ends_the_tries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cause: Exception) -> None:
    async def check() -> None:
        limits, _ = limit(f"unix://{tmp_path}/none.sock")
        tries, enough = 0, asyncio.Event()

        async def fail() -> None:
            nonlocal tries
            tries += 1
            if tries == 3:
                enough.set()
            raise cause

        monkeypatch.setattr(limits._window, "connect", fail)
        with structlog.testing.capture_logs() as log:
            await limits.start()
            await asyncio.wait_for(enough.wait(), 10)
        assert [line["error"] for line in log] == [str(cause) or type(cause).__name__]
        await limits.close()

    asyncio.run(check())


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "redis://:secret@host",
            r"limits\.redis\.url: .*expected no password in the URL; set GATEWAY_REDIS_PASSWORD or",
        ),
        ("redis://user:secret@host:6379/0", r"expected no password in the URL"),
        ("http://host", r"limits\.redis\.url: .*expected redis://HOST:PORT/NUMBER, rediss://.* received other"),
        ("redis://", "received other"),
        ("redis://host/x", "received other"),
        ("redis://host:99999", r"limits\.redis\.url: .*Port out of range 0-65535"),
        ("redis://host:port", r"limits\.redis\.url: .*Port could not be cast"),
        ("redis://host?password=secret", "received other"),
    ],
)
def test_addresses_that_cannot_be_used(url: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as error:
        settings("http://127.0.0.1:1", {"limits.redis.url": url})
    assert "secret" not in str(error.value)


def test_an_address_in_the_log_has_no_user() -> None:
    assert RedisSettings(url="rediss://gateway@redis.example.com:6380/1").address == "rediss://redis.example.com:6380/1"
    assert RedisSettings(url="unix://gateway@/run/redis.sock").address == "unix:///run/redis.sock"


def test_an_unknown_setting_of_redis() -> None:
    with pytest.raises(SettingsError, match=r"limits\.redis\.timeout is unknown: did you mean 'timeout_seconds'\?"):
        settings("http://127.0.0.1:1", {"limits.redis.url": "redis://host", "limits.redis.timeout": 1})


def test_the_password(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from-file\n")
    assert read_password({}) is None
    assert read_password({PASSWORD_VARIABLE: "given"}) == "given"
    assert (
        read_password({PASSWORD_FILE_VARIABLE: str(tmp_path / "password"), PASSWORD_VARIABLE: "given"}) == "from-file"
    )
