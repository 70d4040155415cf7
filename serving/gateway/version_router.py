"""Choose the version that answers a request."""

import asyncio
import dataclasses
import time

import structlog

from serving.gateway.metrics import TaskMetrics
from serving.gateway.model_errors import ModelError, SignatureMismatchError, VersionNotFoundError
from serving.gateway.predict_client import PredictClient
from serving.gateway.settings import ModelSettings

_log = structlog.get_logger(__name__)


@dataclasses.dataclass(frozen=True)
class RouteTarget:
    """A version, and the label that leads to it."""

    version: str
    label: str | None  # None: the latest version, on a server without labels


class VersionRouter:
    """Look up the versions behind the labels, and cache them for `resolve_seconds`.

    With `labels = "auto"`, a server that does not know the label `stable` is asked for its latest version. Once the
    server has known the label, the label is required: the latest version may be the canary, which must not get all
    requests when the label is missing for a moment.
    """

    def __init__(self, server: PredictClient, settings: ModelSettings, metrics: TaskMetrics):
        self._server = server
        self._settings = settings
        self._metrics = metrics
        self._labels_seen = settings.labels is True
        self._known: dict[bool, tuple[float, RouteTarget]] = {}  # canary? -> time of the look-up, and its result
        self._locks = {False: asyncio.Lock(), True: asyncio.Lock()}

    async def target(self, canary: bool) -> RouteTarget:
        """Return the target of a request; stable when there is no canary.

        Args:
            canary: whether the request is for the canary.

        Returns:
            The version and its label.

        Raises:
            ModelError: No version answers.
        """
        known = self._known.get(canary)
        if known and self._is_fresh(known[0]):
            return known[1]
        lock = self._locks[canary]
        # One request looks up the version; concurrent ones use the cached one.
        if lock.locked() and known:
            return known[1]
        async with lock:
            known = self._known.get(canary)
            if known and self._is_fresh(known[0]):
                return known[1]
            target = await self._look_up(canary) if canary else await self._look_up_stable()
            if known is None or known[1] != target:
                self._metrics.announce_version(target.version, target.label or "")
                _log.info("route", canary=canary, model_version=target.version, label=target.label)
            self._known[canary] = time.monotonic(), target
            return target

    def forget(self, target: RouteTarget) -> None:
        """Drop a target whose version is gone, so that the next request looks it up again."""
        self._known = {canary: entry for canary, entry in self._known.items() if entry[1] != target}

    async def _look_up_canary(self) -> RouteTarget | None:
        try:
            version = await self._server.version(self._settings.canary)
        except SignatureMismatchError as error:
            _log.error("the canary gets no requests", error=str(error))
            return None
        return RouteTarget(version, self._settings.canary) if version is not None else None

    async def _look_up_stable(self) -> RouteTarget:
        name = self._settings.name
        try:
            target = await self._look_up(canary=False)
        except ModelError:
            self._metrics.model_available.labels(name).set(0)
            raise
        self._metrics.model_available.labels(name).set(1)
        self._metrics.model_version.labels(name).set(int(target.version))
        return target

    def _is_fresh(self, looked_up: float) -> bool:
        return time.monotonic() - looked_up < self._settings.resolve_seconds

    async def _look_up(self, canary: bool) -> RouteTarget:
        if self._settings.labels is not False:
            if canary:
                return await self._look_up_canary() or await self.target(canary=False)
            version = await self._server.version(self._settings.stable)
            if version is not None:
                self._labels_seen = True
                return RouteTarget(version, self._settings.stable)
            if self._labels_seen:
                raise VersionNotFoundError(f"no version of {self._settings.name} has the label {self._settings.stable}")
        version = await self._server.version(None)
        if version is None:
            raise ModelError("the latest version has no number")
        return RouteTarget(version, None)
