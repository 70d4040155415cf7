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


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What the model said."""

    probabilities: list[float]  # one per row
    target: RouteTarget
    seconds: float  # all tries together
    tries: int


class Predictor:
    """Asks the model server on behalf of requests."""

    def __init__(self, server: PredictClient, router: VersionRouter, settings: ModelSettings):
        self._server = server
        self._router = router
        self._settings = settings

    async def predict(self, inputs: dict[str, list[Value]], canary: bool) -> Predictions:
        """Predictions for the rows in `inputs` (columns, missing values spelled out).

        Raises:
            ModelError: There are none, after all tries that are allowed; it names the version that was asked.
        """
        began = time.perf_counter()
        last: ModelError | None = None
        tries = 0
        target: RouteTarget | None = None
        try:
            async with asyncio.timeout(self._settings.total_seconds):
                async for attempt in self._attempts():
                    with attempt:
                        tries += 1
                        target = None
                        try:
                            target = await self._router.target(canary)
                            probabilities = await self._ask(target, inputs)
                        except ModelError as error:
                            last = _name_target(error, target)
                            raise
                assert target is not None, "the last try succeeded"
                return Predictions(probabilities, target, time.perf_counter() - began, tries)
        except TimeoutError as error:
            late = ResponseTimeoutError(f"no answer in {self._settings.total_seconds:g} s")
            # Tries that were refused say more than the clock that ended them.
            raise last or _name_target(late, target) from error

    async def _ask(self, target: RouteTarget, inputs: dict[str, list[Value]]) -> list[float]:
        try:
            return await self._server.predict(target.version, inputs)
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


def _name_target(error: ModelError, target: RouteTarget | None) -> ModelError:
    """Notes in an error which version was asked; returns it."""
    if target:
        error.version, error.label = target.version, target.label
    return error
