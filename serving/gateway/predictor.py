"""Predict for one request: route it, retry where that is safe, within one deadline."""

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
    """The model's answer to one request."""

    outputs: list[Output]  # one per row
    target: RouteTarget
    seconds: float  # all tries together
    tries: int
    interval: Interval | None = None  # of this version's values


class Predictor:
    """Ask the model server on behalf of requests."""

    def __init__(
        self, calls: GatheredCalls, router: VersionRouter, settings: ModelSettings, tracer: Tracer | None = None
    ):
        self._calls = calls
        self._tracer = tracer or Tracer()
        self._router = router
        self._settings = settings

    async def predict(self, inputs: dict[str, list[Value]], canary: bool) -> Predictions:
        """Predict rows.

        Args:
            inputs: one column per feature, with the contract's markers for missing values.
            canary: whether to ask the canary.

        Returns:
            The predictions, and the version that made them.

        Raises:
            ModelError: There are none after all allowed tries; it names the version that was asked.
        """  # noqa: DOC501 - the AssertionError is never raised
        began = time.perf_counter()
        last: ModelError | None = None
        target: RouteTarget | None = None
        try:
            async with asyncio.timeout(self._settings.total_seconds):
                for tries in itertools.count(1):
                    target = None
                    try:
                        target = await self._router.target(canary)
                        # Send a request whose connection broke alone: if its rows crash the server, no other request
                        # shares the call.
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
            # The last failed try says more than the deadline.
            raise last or _name_target(self._too_late(), target) from error
        finally:
            del last  # its traceback holds this frame: the cycle would keep the rows until a rare garbage collection
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
        """Return the seconds before the next try: random, up to a limit that doubles, so that retries spread out.

        It does not use tenacity, whose bookkeeping of each try took a tenth of a request's processor time.
        """
        most = min(self._settings.backoff_seconds * 2 ** (tries - 1), self._settings.total_seconds)
        return random.uniform(0, most)


def _name_target(error: ModelError, target: RouteTarget | None) -> ModelError:
    """Record in an error which version was asked; return the error."""
    if target:
        error.version, error.label = target.version, target.label
    return error
