"""models.config: TensorFlow Serving's ModelServerConfig in text format, read, changed and written."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from google.protobuf import text_format

from serving import durable_file
from serving.rollout.errors import PreconditionError
from serving.rollout.model_service_pb2 import ModelServerConfig

STABLE = "stable"  # the label of the version that answers most
CANARY = "canary"  # the label of the version on trial; without one, of the stable version too


@dataclasses.dataclass(frozen=True)
class Assignment:
    """What a server has to do with a model: which versions it keeps loaded, and which labels they have."""

    versions: frozenset[int]
    labels: dict[str, int]

    @classmethod
    def only(cls, version: int) -> Self:
        """The version alone. It has both labels, so that requests for the canary are answered without one, too."""
        return cls(frozenset({version}), {STABLE: version, CANARY: version})

    @classmethod
    def trial(cls, stable: int, canary: int) -> Self:
        """The canary beside the stable version."""
        return cls(frozenset({stable, canary}), {STABLE: stable, CANARY: canary})


class ModelsConfig:
    """The text of one models.config, which never changes; `assigning` gives another."""

    def __init__(self, path: Path, text: str) -> None:
        """Parse the text.

        Raises:
            PreconditionError: The text is no ModelServerConfig with a list of models.
        """
        self.path = path
        self.text = text
        try:
            self.message: Any = text_format.Parse(text, ModelServerConfig())
        except text_format.ParseError as error:
            raise PreconditionError(
                f"{path} is no models.config: expected a ModelServerConfig in text format, received {error}; mend the "
                "file. TensorFlow Serving would not start with it either."
            ) from error
        if self.message.WhichOneof("config") != "model_config_list":
            raise PreconditionError(
                f"{path} lists no models: expected model_config_list {{ config {{ name: … base_path: … }} }}, received "
                f"{self.message.WhichOneof('config') or 'an empty file'}."
            )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            PreconditionError: It is not there, or no ModelServerConfig.
        """
        try:
            return cls(path, path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise PreconditionError(
                f"{path} cannot be read: expected the file that the server was started with (--model_config_file), "
                f"received {error}; name it with --model-config-file."
            ) from error

    def write(self) -> None:
        """Write the file: the server and the next command find all of it or nothing of it."""
        durable_file.write_whole(self.path, self.text)

    def model_name(self, asked: str | None) -> str:
        """The model that is meant: the one asked for, or the only one.

        Raises:
            PreconditionError: It is not listed, or none was asked for and there are several.
        """
        names = [config.name for config in self.message.model_config_list.config]
        if asked is None and len(names) == 1:
            return str(names[0])
        if asked is None or asked not in names:
            raise PreconditionError(
                f"which model? expected --model with one of {', '.join(names) or 'no names'} (they stand in "
                f"{self.path}), received {asked or 'none'}."
            )
        return asked

    def base_path(self, model: str) -> str:
        """The folder of the model's versions, as the server sees it."""
        return str(self._of(model).base_path)

    def versions(self, model: str) -> frozenset[int] | None:
        """The versions that the server is told to keep; None when it chooses by itself (latest or all)."""
        policy = self._of(model).model_version_policy
        return frozenset(policy.specific.versions) if policy.HasField("specific") else None

    def labels(self, model: str) -> dict[str, int]:
        """Label -> version."""
        return dict(self._of(model).version_labels)

    def assigning(self, model: str, assignment: Assignment) -> "ModelsConfig":
        """The same configuration with another assignment of the model's versions and labels.

        Comments at the top of the file stay; those further down would not survive being parsed and are lost.
        """
        message = ModelServerConfig()
        message.CopyFrom(self.message)
        config = _find(message, model)
        config.model_version_policy.specific.versions[:] = sorted(assignment.versions)
        config.version_labels.clear()
        config.version_labels.update(assignment.labels)
        return ModelsConfig(self.path, _top_comments(self.text.splitlines()) + text_format.MessageToString(message))

    def _of(self, model: str) -> Any:
        return _find(self.message, model)


def _find(message: Any, model: str) -> Any:
    return next(config for config in message.model_config_list.config if config.name == model)


def _top_comments(lines: Iterable[str]) -> str:
    kept = []
    for line in lines:
        if line.strip() and not line.lstrip().startswith("#"):
            break
        kept.append(f"{line}\n")
    return "".join(kept)
