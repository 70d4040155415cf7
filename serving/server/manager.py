"""Manage the models' lifecycle: which versions are loaded, how one replaces another, which one a request gets.

All state changes happen on the event loop; only reading folders, loading and closing run in threads. A version goes
through the states of TensorFlow Serving's ModelVersionStatus: LOADING (with its warm-up and its retries), AVAILABLE,
UNLOADING (until its last request is answered), END.
"""

import asyncio
import contextlib
import dataclasses
import functools
import logging
from collections.abc import Callable, Collection, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from tensorflow_serving.apis import model_pb2
from tensorflow_serving.config import model_server_config_pb2

from serving.server import versions
from serving.server.config import models_by_name
from serving.server.errors import InvalidArgumentError, ServingError
from serving.server.model_versions import ManagedModel, ModelVersion, State, load
from serving.server.servable import Servable
from serving.server.verified_load import Admission, RefusedError, admit_any

_LOADS_AT_ONCE = 2  # each load takes the memory of its model, and a core
_WAITING_POLL_SECONDS = 1  # while a new model has no version, and polling is off
_ENDED_KEPT = 100  # ended versions of a model that its status lists
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """Intervals and retries of loading."""

    poll_seconds: float = 1  # 0: search once, negative: never
    load_retries: int = 5
    retry_seconds: float = 60
    labels_may_wait: bool = False  # a new label may name a version that is not available yet


class ModelManager:
    """Keep the loaded models in line with the config and the folders. It starts without models.

    Args:
        options: intervals and retries.
        warm_up: takes a loaded version and its folder; raises ServingError when the version is unusable.
        admit: checks a version before it is loaded.
    """

    def __init__(self, options: LoadOptions, warm_up: Callable[[Servable, Path], object], admit: Admission = admit_any):
        self._options = options
        self._admit = admit
        self._warm_up = warm_up
        self._models: dict[str, ManagedModel] = {}
        self._labels: dict[str, dict[str, int]] | None = None  # None before the first config
        self._reloading = asyncio.Lock()
        self._looking = asyncio.Lock()
        self._changed = asyncio.Event()
        self._loaders = ThreadPoolExecutor(_LOADS_AT_ONCE, thread_name_prefix="load")
        self._loads: set[asyncio.Task[None]] = set()
        self._unloads: set[asyncio.Task[None]] = set()

    # --- Requests.

    @contextlib.contextmanager
    def lease(self, spec: model_pb2.ModelSpec) -> Iterator[tuple[int, Servable]]:
        """Hold the version that a request asks for; it stays loaded until the block ends.

        Args:
            spec: the request's model, and its version or label if it names one.

        Yields:
            The version's number, and the version.

        Raises:
            ServingError: The request names no model, or a model, version or label that is not served.
        """
        version = self._find(spec)
        assert version.servable is not None
        version.requests += 1
        try:
            yield version.number, version.servable
        finally:
            version.requests -= 1
            if version.state != State.AVAILABLE and not version.requests:
                version.idle.set()

    def _find(self, spec: model_pb2.ModelSpec) -> ModelVersion:
        if not spec.name:
            raise InvalidArgumentError("ModelSpec has no name specified.")
        number = self._version_asked_for(spec)
        model = self._models.get(spec.name)
        available = model.available() if model else {}
        if number is None and available:
            return available[max(available)]
        if number in available:
            return available[number]
        asked = f"Latest({spec.name})" if number is None else f"Specific({spec.name}, {number})"
        raise ServingError(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {asked}")

    def _version_asked_for(self, spec: model_pb2.ModelSpec) -> int | None:
        match spec.WhichOneof("version_choice"):
            case "version":
                return int(spec.version.value)
            case "version_label":
                if self._labels is None:
                    raise ServingError(grpc.StatusCode.UNAVAILABLE, "Model labels does not init yet.")
                number = self._labels.get(spec.name, {}).get(spec.version_label)
                if number is None:
                    raise InvalidArgumentError(f"Unrecognized servable version label: {spec.version_label}")
                return number
        return None

    def knows(self, name: str) -> bool:
        """Return whether the config has, or had, a model of that name."""
        return name in self._models

    def status(self, spec: model_pb2.ModelSpec) -> list[ModelVersion]:
        """Return the versions that a request asks about, newest first.

        Only gRPC requests can name a label.

        Args:
            spec: the request's model, and its version or label if it names one.

        Returns:
            The versions that the server has or had.

        Raises:
            InvalidArgumentError: The request names no model.
            ServingError: NOT_FOUND; the server never had the model or the version.
        """
        if not spec.name:
            raise InvalidArgumentError("ModelSpec has no name specified.")
        number = self._version_asked_for(spec)
        model = self._models.get(spec.name)
        known = model.versions if model else {}
        if number is None:
            if not known:
                raise ServingError(grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {spec.name}")
            return [known[number] for number in sorted(known, reverse=True)]
        if number not in known:
            raise ServingError(grpc.StatusCode.NOT_FOUND, f"Could not find version {number} of model {spec.name}")
        return [known[number]]

    # --- Config.

    async def reload(
        self, config: model_server_config_pb2.ModelServerConfig, awaited: Collection[str] | None = None
    ) -> None:
        """Replace the whole config, and return when each new model answers.

        Args:
            config: the new config.
            awaited: the new models to wait for; None: all.

        Raises:
            ServingError: The config is refused as by `apply`; nothing was changed. Or a new model cannot be loaded; the
                rest of the config is in force.
        """
        new = await self.apply(config)
        await self._wait_for(new if awaited is None else new.intersection(awaited))

    async def apply(self, config: model_server_config_pb2.ModelServerConfig) -> set[str]:
        """Replace the whole config, and start loading the new models.

        Args:
            config: the new config.

        Returns:
            The names of the new models.

        Raises:
            ServingError: The config is refused, or a label names a version that is not available yet; nothing was
                changed.
        """
        models = models_by_name(config)
        async with self._reloading:
            if config.WhichOneof("config") is None:
                if self._models:
                    raise ServingError(
                        grpc.StatusCode.FAILED_PRECONDITION,
                        "Cannot transition to requested config: it is empty, and models are served. Received no "
                        "model_config_list; to serve nothing, send one without models.",
                    )
                return set()
            # Set labels before loading, as TensorFlow Serving does: load first, label later.
            self._set_labels(models)
            new = {name for name in models if name not in self._models or self._models[name].config is None}
            for name in self._models.keys() - models.keys():
                self._models[name].config = None
            for name, model in models.items():
                self._models.setdefault(name, ManagedModel(model)).config = model
        await self._look()
        return new

    def _set_labels(self, models: dict[str, model_server_config_pb2.ModelConfig]) -> None:
        before, wanted = self._labels or {}, {name: dict(model.version_labels) for name, model in models.items()}
        self._labels = before
        for name, labels in wanted.items():
            available = self._models[name].available() if name in self._models else {}
            for label, number in labels.items():
                moved = before.get(name, {}).get(label, number) != number
                if number not in available and (moved or not self._options.labels_may_wait):
                    raise ServingError(
                        grpc.StatusCode.FAILED_PRECONDITION,
                        f"Request to assign label {label} to version {number} of model {name}, which is not currently "
                        "available for inference",
                    )
        self._labels = wanted

    async def _wait_for(self, names: set[str]) -> None:
        """Return when all of the models answer; wait while a base path has no versions."""
        if names:
            _log.info("Waiting until %s can answer.", ", ".join(sorted(names)))
        while waiting := self._without_answer(names):
            failed = {name: error for name, model in waiting.items() if (error := model.load_failure())}
            if failed:
                reasons = "; ".join(f"{name}: {error.message}" for name, error in failed.items())
                raise ServingError(
                    grpc.StatusCode.UNKNOWN, f"{len(failed)} servable(s) did not become available: {{{reasons}}}"
                )
            self._changed.clear()
            with contextlib.suppress(TimeoutError):  # no event announces a new version in a folder: search for it
                await asyncio.wait_for(self._changed.wait(), self._options.poll_seconds or _WAITING_POLL_SECONDS)
            await self._look()

    def _without_answer(self, names: set[str]) -> dict[str, ManagedModel]:
        """Return those of the models that the config still has and that have no available version."""
        known = {name: self._models[name] for name in sorted(names) if name in self._models}
        return {name: model for name, model in known.items() if model.config is not None and not model.available()}

    # --- Folders.

    async def poll(self) -> None:
        """Search the folders periodically, until cancelled; return at once when polling is off."""
        while self._options.poll_seconds > 0:
            await asyncio.sleep(self._options.poll_seconds)
            await self._look()

    async def _look(self) -> None:
        async with self._looking:
            for name, model in list(self._models.items()):
                config, found = model.config, dict[int, Path]()
                if config is not None:
                    try:
                        found = await asyncio.to_thread(versions.on_disk, Path(config.base_path))
                    except OSError as error:
                        # Keep what is served: a file system that fails for a moment must not unload a model.
                        if str(error) != model.look_failure:  # log it once, not at each search
                            _log.warning("Could not look for versions of %s: %s", name, error)
                        model.look_failure = str(error)
                        continue
                    model.look_failure = ""
                    if model.config is not config:  # another call replaced the config meanwhile, and searches, too
                        continue
                model.found = found
                self._reconcile(name, model)
                self._forget(name, model)

    def _reconcile(self, name: str, model: ManagedModel) -> None:
        """Load and unload versions to match the folders and the policy."""
        config, found = model.config, model.found
        policy = config.model_version_policy if config else None
        refused = model.refused()
        model.aspired = set() if policy is None else versions.aspired(found, policy, refused)
        for number, version in model.versions.items():
            if version.state == State.END and (number not in found or number not in model.aspired | refused):
                version.error = None  # try again when the version returns or is asked for again
        for number in sorted(model.aspired):
            known = model.versions.get(number)
            if known is None or (known.state == State.END and known.error is None):
                model.versions[number] = ModelVersion(number, found[number])
                _keep(self._loads, self._load(name, model, model.versions[number]))
        self._retire(name, model)

    def _forget(self, name: str, model: ManagedModel) -> None:
        """Drop old ended versions from the status, and a model that left the config."""
        ended = sorted(number for number, version in model.versions.items() if version.state == State.END)
        # without its record, a refused version would be tried again
        for number in set(ended[:-_ENDED_KEPT]) - model.refused():
            del model.versions[number]
        if model.config is None and len(ended) == len(model.versions) and self._models.get(name) is model:
            del self._models[name]

    def _retire(self, name: str, model: ManagedModel) -> None:
        """Unload versions that are no longer wanted, but only once a wanted one answers."""
        available = model.available()
        if (model.aspired or model.refused()) and not model.aspired & available.keys():
            return
        for number in available.keys() - model.aspired:
            version = available[number]
            version.state = State.UNLOADING
            if not version.requests:
                version.idle.set()
            _keep(self._unloads, self._unload(name, model, version))

    # --- Versions.

    async def _load(self, name: str, model: ManagedModel, version: ModelVersion) -> None:
        version.state = State.LOADING
        for attempt in range(1 + self._options.load_retries):
            if attempt:
                await asyncio.sleep(self._options.retry_seconds)
                if version.number not in model.aspired:
                    break
            _log.info("Loading servable version {name: %s version: %d}", name, version.number)
            try:
                loop = asyncio.get_running_loop()
                loading = functools.partial(load, name, version, self._admit, self._warm_up)
                version.servable = await loop.run_in_executor(self._loaders, loading)
            except ServingError as error:
                version.error = error
                _log.error("Loading servable {name: %s version: %d} failed: %s", name, version.number, error.message)
                self._changed.set()
                if isinstance(error, RefusedError) and not error.may_pass:
                    break
            else:
                version.error = None
                version.state = State.AVAILABLE
                _log.info("Successfully loaded servable version {name: %s version: %d}", name, version.number)
                self._changed.set()
                self._retire(name, model)
                return
        version.state = State.END
        if isinstance(version.error, RefusedError):
            self._reconcile(name, model)  # fall back to the newest other version, or keep the one that answers
        self._changed.set()

    async def _unload(self, name: str, model: ManagedModel, version: ModelVersion) -> None:
        await version.idle.wait()
        servable, version.servable = version.servable, None
        assert servable is not None
        await asyncio.to_thread(servable.close)
        version.state = State.END
        _log.info("Done unloading servable version {name: %s version: %d}", name, version.number)
        self._forget(name, model)
        self._changed.set()

    async def close(self) -> None:
        """Unload everything after the running requests; cancel the loads."""
        async with self._reloading, self._looking:
            for loading in list(self._loads):
                loading.cancel()
            for name, model in self._models.items():
                model.config, model.aspired = None, set()
                self._retire(name, model)
            await asyncio.gather(*self._unloads)
        self._loaders.shutdown(wait=False, cancel_futures=True)


def _keep(tasks: set[asyncio.Task[None]], work: Coroutine[None, None, None]) -> None:
    """Start a task and keep a reference until it is done: the event loop's own reference is weak."""
    task = asyncio.get_running_loop().create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
