"""One request's predictions: routed, tried again where that is safe, within one deadline."""

import asyncio
import dataclasses
import itertools
import random
import time

from serving.contract import Value
from serving.gateway.answers import Interval, Output
from serving.gateway.gathered_calls import GatheredCalls
from serving.gateway.model_errors import ConnectionLostError, ModelError, ResponseTimeoutError, VersionNotFoundError
from serving.gateway.settings import ModelSettings
from serving.gateway.version_router import RouteTarget, VersionRouter
from serving.tracing.tracer import Tracer


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What the model said."""

    outputs: list[Output]  # one per row
    target: RouteTarget
    seconds: float  # all tries together
    tries: int
    interval: Interval | None = None  # around the values of this version


class Predictor:
    """Asks the model server on behalf of requests."""

    def __init__(
        self, calls: GatheredCalls, router: VersionRouter, settings: ModelSettings, tracer: Tracer | None = None
    ):
        self._calls = calls
        self._tracer = tracer or Tracer()
        self._router = router
        self._settings = settings

    async def predict(self, inputs: dict[str, list[Value]], canary: bool) -> Predictions:
        """Predictions for the rows in `inputs` (columns, missing values spelled out).

        Raises:
            ModelError: There are none, after all tries that are allowed; it names the version that was asked.
        """
        began = time.perf_counter()
        last: ModelError | None = None
        target: RouteTarget | None = None
        try:
            async with asyncio.timeout(self._settings.total_seconds):
                for tries in itertools.count(1):
                    target = None
                    try:
                        target = await self._router.target(canary)
                        # What broke off is asked alone: should its rows break the server, then nobody else's call.
                        alone = isinstance(last, ConnectionLostError)
                        with self._tracer.call("model call", attempt=tries):
                            outputs = await self._ask(target, inputs, alone)
                        seconds = time.perf_counter() - began
                        interval = self._calls.interval_of(target.version)
                        return Predictions(outputs, target, seconds, tries, interval)
                    except ModelError as error:
                        last = _name_target(error, target)
                        if not error.retryable or tries >= self._settings.attempts:
                            raise
                    await asyncio.sleep(self._backoff(tries))
        except TimeoutError as error:
            # Tries that were refused say more than the clock that ended them.
            raise last or _name_target(self._too_late(), target) from error
        finally:
            del last  # it has this frame: a cycle would keep the rows until garbage is collected, which is seldom
        raise AssertionError("unreachable: the tries end by an answer or by an error")

    def _too_late(self) -> ResponseTimeoutError:
        return ResponseTimeoutError(f"no answer in {self._settings.total_seconds:g} s")

    async def _ask(self, target: RouteTarget, inputs: dict[str, list[Value]], alone: bool) -> list[Output]:
        try:
            return await self._calls.predict(target.version, inputs, alone=alone)
        except VersionNotFoundError:
            self._router.forget(target)
            raise

    def _backoff(self, tries: int) -> float:
        """Seconds before the next try: at random, up to a bound that doubles, so that requests do not return as one.

        Not tenacity, whose bookkeeping of each try took a tenth of a request's processor time.
        """
        most = min(self._settings.backoff_seconds * 2 ** (tries - 1), self._settings.total_seconds)
        return random.uniform(0, most)


def _name_target(error: ModelError, target: RouteTarget | None) -> ModelError:
    """Notes in an error which version was asked; returns it."""
    if target:
        error.version, error.label = target.version, target.label
    return error
