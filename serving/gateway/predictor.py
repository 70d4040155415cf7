"""One request's predictions: routed, tried again where that is safe, within one deadline."""

import asyncio
import dataclasses
import itertools
import random
import time

from serving.contract import Value
from serving.gateway.gathered_calls import GatheredCalls
from serving.gateway.model_errors import ConnectionLostError, ModelError, ResponseTimeoutError, VersionNotFoundError
from serving.gateway.settings import ModelSettings
from serving.gateway.version_router import RouteTarget, VersionRouter


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What the model said."""

    probabilities: list[float]  # one per row
    target: RouteTarget
    seconds: float  # all tries together
    tries: int


class Predictor:
    """Asks the model server on behalf of requests."""

    def __init__(self, calls: GatheredCalls, router: VersionRouter, settings: ModelSettings):
        self._calls = calls
        self._router = router
        self._settings = settings

    async def predict(self, inputs: dict[str, list[Value]], canary: bool) -> Predictions:
        """Predictions for the rows in `inputs` (columns, missing values spelled out).

        Raises:
            ModelError: There are none, after all tries that are allowed.
        """
        began = time.perf_counter()
        last: ModelError | None = None
        try:
            async with asyncio.timeout(self._settings.total_seconds):
                for tries in itertools.count(1):
                    try:
                        # What broke off is asked alone: should its rows break the server, then nobody else's call.
                        alone = isinstance(last, ConnectionLostError)
                        target, probabilities = await self._try(inputs, canary, alone)
                        return Predictions(probabilities, target, time.perf_counter() - began, tries)
                    except ModelError as error:
                        if not error.retryable or tries >= self._settings.attempts:
                            raise
                        last = error
                    await asyncio.sleep(self._backoff(tries))
        except TimeoutError as error:
            # Tries that were refused say more than the clock that ended them.
            raise last or ResponseTimeoutError(f"no answer in {self._settings.total_seconds:g} s") from error
        finally:
            del last  # it has this frame: a cycle would keep the rows until garbage is collected, which is seldom
        raise AssertionError("unreachable: the tries end by an answer or by an error")

    async def _try(self, inputs: dict[str, list[Value]], canary: bool, alone: bool) -> tuple[RouteTarget, list[float]]:
        target = await self._router.target(canary)
        try:
            return target, await self._calls.predict(target.version, inputs, alone=alone)
        except VersionNotFoundError:
            self._router.forget(target)
            raise

    def _backoff(self, tries: int) -> float:
        """Seconds before the next try: at random, up to a bound that doubles, so that requests do not return as one.

        Not tenacity, whose bookkeeping of each try took a tenth of a request's processor time.
        """
        most = min(self._settings.backoff_seconds * 2 ** (tries - 1), self._settings.total_seconds)
        return random.uniform(0, most)
