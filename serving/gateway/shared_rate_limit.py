"""Limit a client's requests per second, counted by all replicas together, or by each alone if Redis does not answer."""

import asyncio
import collections
import hashlib
from collections.abc import Mapping

import structlog

from serving.gateway.metrics import GatewayMetrics
from serving.gateway.rate_limit import RateLimit
from serving.gateway.redis_settings import RedisSettings
from serving.gateway.redis_window import RedisWindow

_log = structlog.get_logger(__name__)


class SharedRateLimit:
    """Count the requests of each client in the last second.

    Requests that wait at the same time share one call of Redis. Requests that arrive during a call share the next call.
    If Redis does not answer in time, this process counts the waiting requests, and all others until Redis answers
    again. Meanwhile it tries to reach Redis in the background, so no request waits.

    Args:
        local: counts in this process; must have a limit. Redis is not asked about a client that is over its limit here.
        settings: of Redis.
        prefix: prefix of the keys' names.
        environ: holds Redis' password.
        metrics: show whether Redis answers.

    Raises:
        ValueError: As RedisWindow.
        OSError: As RedisWindow.
    """

    def __init__(
        self,
        local: RateLimit,
        settings: RedisSettings,
        *,
        prefix: str,
        environ: Mapping[str, str],
        metrics: GatewayMetrics,
    ):
        self._local = local
        self._settings = settings
        self._prefix = prefix
        self._window = RedisWindow(settings, local.per_second, environ)
        self._up = metrics.rate_limit_store_up.labels(settings.address)
        self._failures = metrics.rate_limit_store_failures.labels(settings.address)
        self._shared = False
        self._waiting: list[tuple[str, float, asyncio.Future[bool | None]]] = []  # key, waiting since, and the answer
        self._asking: asyncio.Task[None] | None = None
        self._trying: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect to Redis, or keep trying in the background.

        It waits for one try only: the gateway starts without Redis, too.
        """
        if not await self._reach():
            self._trying = asyncio.create_task(self._try_until_reached())

    async def close(self) -> None:
        """Close the connection; this process counts the requests that still wait."""
        self._shared = False
        tasks = [task for task in (self._asking, self._trying) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._window.close()

    async def count(self, client: str) -> None:
        """Count one request.

        Args:
            client: the key's name, or the address.

        Raises:
            ProblemError: 429, the client is over its limit.
        """
        if not self._shared:
            self._local.count_now(client)
            return
        now = self._local.clock()
        self._local.require_share(client, now)
        admitted = await self._ask(self._key(client))
        if admitted is None:
            self._local.count_now(client)
        elif admitted:
            self._local.record(client, now)
        else:
            raise self._local.refusal()

    def _key(self, client: str) -> str:
        """Return a client's key in Redis, which reveals neither its key's name nor its address."""
        return f"{self._prefix}:rate:{hashlib.sha256(client.encode()).hexdigest()[:32]}"

    async def _ask(self, key: str) -> bool | None:
        """Ask whether one more request of a client is admitted; return None without an answer in time."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool | None] = loop.create_future()
        self._waiting.append((key, loop.time(), future))
        if self._asking is None:
            self._asking = loop.create_task(self._ask_for_all())
        return await future

    async def _ask_for_all(self) -> None:
        """Ask about all waiting requests, including those that come meanwhile, until none is left."""
        asked: list[tuple[str, float, asyncio.Future[bool | None]]] = []
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, []
                counts = collections.Counter(key for key, _, _ in asked)
                # Keep each request's time limit, even if it already waited for the question before.
                async with asyncio.timeout_at(asked[0][1] + self._settings.timeout_seconds):
                    admitted = dict(zip(counts, await self._window.admit(counts), strict=True))
                for key, _, future in asked:
                    self._answer([(key, 0.0, future)], admitted[key] > 0)
                    admitted[key] -= 1
        except Exception as error:  # any error: the log and the metric report it
            self._lose(error)
        finally:
            self._asking = None
            self._answer([*asked, *self._waiting], None)  # no request waits forever
            self._waiting = []

    @staticmethod
    def _answer(waiting: list[tuple[str, float, "asyncio.Future[bool | None]"]], admitted: bool | None) -> None:
        for _, _, future in waiting:
            if not future.done():  # the request may have been given up
                future.set_result(admitted)

    def _lose(self, error: Exception) -> None:
        self._shared = False
        self._note_failure(error, "requests are counted by each replica alone")
        self._trying = asyncio.create_task(self._try_until_reached())

    def _note_failure(self, error: Exception, event: str) -> None:
        self._up.set(0)
        self._failures.inc()
        waited = {"waited_s": self._settings.timeout_seconds} if isinstance(error, TimeoutError) else {}
        _log.error(event, redis=self._settings.address, error=str(error) or type(error).__name__, **waited)

    async def _try_until_reached(self) -> None:
        while True:
            await asyncio.sleep(self._settings.retry_seconds)
            if await self._reach(again=True):
                return

    async def _reach(self, again: bool = False) -> bool:
        """Connect, and check that Redis answers as fast as a request needs."""
        try:
            async with asyncio.timeout(self._settings.connect_seconds):
                await self._window.connect()
            async with asyncio.timeout(self._settings.timeout_seconds):
                await self._window.admit({})
        except Exception as error:  # any error: the tries must go on; the log and the metric report it
            if not again:
                self._note_failure(error, "requests are counted by each replica alone")
            return False
        self._shared = True
        self._up.set(1)
        _log.info("requests are counted by all replicas together", redis=self._settings.address)
        return True
