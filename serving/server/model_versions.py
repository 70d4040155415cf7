"""The server's records of a model and its versions, and the loading of a version."""

import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path

import grpc
from tensorflow_serving.apis import get_model_status_pb2
from tensorflow_serving.config import model_server_config_pb2

from serving.server.errors import ServingError
from serving.server.servable import Servable
from serving.server.verified_load import Admission, RefusedError

State = get_model_status_pb2.ModelVersionStatus


@dataclasses.dataclass(eq=False)
class ModelVersion:
    """One version of a model."""

    number: int
    path: Path
    state: int = State.START
    error: ServingError | None = None
    servable: Servable | None = None  # while AVAILABLE and UNLOADING
    requests: int = 0  # number of requests being answered
    # set while UNLOADING, once no request is left
    idle: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)


@dataclasses.dataclass(eq=False)
class ManagedModel:
    """A model of the config, or a model that left the config (None) and is being unloaded."""

    config: model_server_config_pb2.ModelConfig | None
    found: dict[int, Path] = dataclasses.field(default_factory=dict)  # on disk, at the last search
    aspired: set[int] = dataclasses.field(default_factory=set)
    versions: dict[int, ModelVersion] = dataclasses.field(default_factory=dict)
    look_failure: str = ""  # why the last search of its folder failed; empty if it did not

    def available(self) -> dict[int, ModelVersion]:
        """Return the versions that answer requests."""
        return {number: version for number, version in self.versions.items() if version.state == State.AVAILABLE}

    def refused(self) -> set[int]:
        """Return the versions on disk that must not be loaded, so that others are loaded instead.

        Empty under a policy that names versions: a named version has no substitute, and is tried again when the config
        names it again.

        Returns:
            The numbers of the versions.
        """
        if self.config is None or self.config.model_version_policy.HasField("specific"):
            return set()
        ended = {number: version.error for number, version in self.versions.items() if version.state == State.END}
        return {number for number, error in ended.items() if number in self.found and isinstance(error, RefusedError)}

    def load_failure(self) -> ServingError | None:
        """Return why the newest wanted version failed, if all wanted versions did; None while one may still answer."""
        wanted = [self.versions.get(number) for number in sorted(self.aspired or self.refused())]
        errors = [version.error for version in wanted if version and version.state == State.END and version.error]
        return errors[-1] if errors and len(errors) == len(wanted) else None


def load(name: str, version: ModelVersion, admit: Admission, warm_up: Callable[[Servable, Path], object]) -> Servable:
    """Load a version of a model and warm it up.

    Args:
        name: the model's name.
        version: the version to load.
        admit: checks the version first, and may supply a verified copy.
        warm_up: takes the loaded version and its folder.

    Returns:
        The loaded version.

    Raises:
        RefusedError: The version must not be loaded.
        ServingError: The version cannot be loaded or warmed up.
    """
    with admit(name, version.number, version.path) as path:
        return _load_from(path, warm_up)


def _load_from(path: Path, warm_up: Callable[[Servable, Path], object]) -> Servable:
    servable = Servable(path)
    try:
        warm_up(servable, path)
    except ServingError:
        servable.close()
        raise
    except Exception as error:  # a broken model makes TensorFlow raise anything; the version is unusable
        servable.close()
        raise ServingError(
            grpc.StatusCode.INTERNAL, f"{path} cannot be warmed up: {type(error).__name__}: {error}"
        ) from error
    return servable
