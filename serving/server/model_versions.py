"""A model and its versions as the server holds them, and how a version is loaded."""

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
    requests: int = 0  # being answered
    idle: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)  # when UNLOADING: no request is left


@dataclasses.dataclass(eq=False)
class ManagedModel:
    """A model of the config, or one that was taken from it (None) and is being unloaded."""

    config: model_server_config_pb2.ModelConfig | None
    found: dict[int, Path] = dataclasses.field(default_factory=dict)  # on disk, when it was last looked at
    aspired: set[int] = dataclasses.field(default_factory=set)
    versions: dict[int, ModelVersion] = dataclasses.field(default_factory=dict)

    def available(self) -> dict[int, ModelVersion]:
        """The versions that answer."""
        return {number: version for number, version in self.versions.items() if version.state == State.AVAILABLE}

    def refused(self) -> set[int]:
        """The versions on disk that must not be loaded, and in whose stead others are.

        None under a policy that names versions: one that it names has no substitute, and is tried anew when it is named
        anew.
        """
        if self.config is None or self.config.model_version_policy.HasField("specific"):
            return set()
        ended = {number: version.error for number, version in self.versions.items() if version.state == State.END}
        return {number for number, error in ended.items() if number in self.found and isinstance(error, RefusedError)}

    def load_failure(self) -> ServingError | None:
        """Why the newest version failed, if every version that is wanted did; None while one may still answer."""
        wanted = [self.versions.get(number) for number in sorted(self.aspired or self.refused())]
        errors = [version.error for version in wanted if version and version.state == State.END and version.error]
        return errors[-1] if errors and len(errors) == len(wanted) else None


def load(name: str, version: ModelVersion, admit: Admission, warm_up: Callable[[Servable, Path], object]) -> Servable:
    """Load a version of a model and warms it up.

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
    except Exception as error:  # whatever a model's files make TensorFlow raise: the version is no good
        servable.close()
        raise ServingError(
            grpc.StatusCode.INTERNAL, f"{path} cannot be warmed up: {type(error).__name__}: {error}"
        ) from error
    return servable
