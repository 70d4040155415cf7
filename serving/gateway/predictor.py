"""One request's predictions: routed, tried again where that is safe, within one deadline."""

import asyncio
import dataclasses
import time

import tenacity

from serving.contract import Value
from serving.gateway.model_errors import LateError, ModelError, NotFoundError
from serving.gateway.predict_client import ModelServer
from serving.gateway.settings import Model
from serving.gateway.version_router import Routing, Target


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What the model said."""

    probabilities: list[float]  # one per row
    target: Target
    seconds: float  # all tries together
    tries: int


class Predictor:
    """Asks the model server on behalf of requests."""

    def __init__(self, server: ModelServer, routing: Routing, settings: Model):
        self._server = server
        self._routing = routing
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
                            target, probabilities = await self._try(inputs, canary)
                        except ModelError as error:
                            last = error
                            raise
                return Predictions(probabilities, target, time.perf_counter() - began, tries)
        except TimeoutError as error:
            # Tries that were refused say more than the clock that ended them.
            raise last or LateError(f"no answer in {self._settings.total_seconds:g} s") from error

    async def _try(self, inputs: dict[str, list[Value]], canary: bool) -> tuple[Target, list[float]]:
        target = await self._routing.target(canary)
        try:
            return target, await self._server.predict(target.version, inputs)
        except NotFoundError:
            self._routing.forget(target)
            raise

    def _attempts(self) -> tenacity.AsyncRetrying:
        return tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(self._settings.attempts),
            wait=tenacity.wait_random_exponential(self._settings.backoff_seconds, max=self._settings.total_seconds),
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, ModelError) and error.again),
            reraise=True,
        )
