"""One request's predictions: routed, tried again where that is safe, within one deadline."""

import asyncio
import dataclasses
import time

import tenacity

from serving.contract import Value
from serving.gateway.model_errors import ModelError, ResponseTimeoutError, VersionNotFoundError
from serving.gateway.predict_client import PredictClient
from serving.gateway.settings import ModelSettings
from serving.gateway.version_router import RouteTarget, VersionRouter
from serving.tracing.tracer import Tracer


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What the model said."""

    probabilities: list[float]  # one per row
    target: RouteTarget
    seconds: float  # all tries together
    tries: int


class Predictor:
    """Asks the model server on behalf of requests."""

    def __init__(
        self, server: PredictClient, router: VersionRouter, settings: ModelSettings, tracer: Tracer | None = None
    ):
        self._server = server
        self._tracer = tracer or Tracer()
        self._router = router
        self._settings = settings

    async def predict(self, inputs: dict[str, list[Value]], canary: bool) -> Predictions:
        """Predictions for the rows in `inputs` (columns, missing values spelled out).

        Raises:
            ModelError: There are none, after all tries that are allowed.
        """
        began = time.perf_counter()
        last: ModelError | None = None
        tries = 0
        try:
            async with asyncio.timeout(self._settings.total_seconds):
                async for attempt in self._attempts():
                    with attempt:
                        tries += 1
                        try:
                            with self._tracer.call("model call", attempt=tries):
                                target, probabilities = await self._try(inputs, canary)
                        except ModelError as error:
                            last = error
                            raise
                return Predictions(probabilities, target, time.perf_counter() - began, tries)
        except TimeoutError as error:
            # Tries that were refused say more than the clock that ended them.
            raise last or ResponseTimeoutError(f"no answer in {self._settings.total_seconds:g} s") from error

    async def _try(self, inputs: dict[str, list[Value]], canary: bool) -> tuple[RouteTarget, list[float]]:
        target = await self._router.target(canary)
        try:
            return target, await self._server.predict(target.version, inputs)
        except VersionNotFoundError:
            self._router.forget(target)
            raise

    def _attempts(self) -> tenacity.AsyncRetrying:
        return tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(self._settings.attempts),
            wait=tenacity.wait_random_exponential(self._settings.backoff_seconds, max=self._settings.total_seconds),
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, ModelError) and error.retryable),
            reraise=True,
        )
