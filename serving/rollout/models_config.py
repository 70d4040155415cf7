"""Read, change and write models.config: TensorFlow Serving's ModelServerConfig in text format."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from google.protobuf import text_format

from serving import durable_file
from serving.rollout.errors import PreconditionError
from serving.rollout.model_service_pb2 import ModelServerConfig

STABLE = "stable"  # the label of the version that answers most requests
CANARY = "canary"  # the label of the version on trial; without a trial, of the stable version


@dataclasses.dataclass(frozen=True)
class Assignment:
    """The versions of a model that a server keeps loaded, and their labels."""

    versions: frozenset[int]
    labels: dict[str, int]

    @classmethod
    def only(cls, version: int) -> Self:
        """Assign one version under both labels, so that requests for the canary are answered without one, too."""
        return cls(frozenset({version}), {STABLE: version, CANARY: version})

    @classmethod
    def trial(cls, stable: int, canary: int) -> Self:
        """Assign a canary and the stable version."""
        return cls(frozenset({stable, canary}), {STABLE: stable, CANARY: canary})


def describe_labels(labels: Mapping[str, int]) -> str:
    """Describe the versions of labels, the stable one first.

    Args:
        labels: the version of each label.

    Returns:
        One part for each label. Without a trial CANARY labels the stable version, too, and is described as no canary.

    Example:
        >>> describe_labels({"canary": 7, "stable": 7})
        'stable 7, no canary'
    """
    is_trial = labels.get(CANARY) != labels.get(STABLE)
    parts = [
        f"{label} {labels[label]}" if label != CANARY or is_trial else f"no {CANARY}"
        for label in sorted(labels, reverse=True)
    ]
    return ", ".join(parts) or "none"


class ModelsConfig:
    """The text of one models.config. It is immutable; `assigning` returns another.

    Args:
        path: the file.
        text: its text.

    Raises:
        PreconditionError: The text is not a ModelServerConfig with a list of models.
    """

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text
        try:
            self.message: Any = text_format.Parse(text, ModelServerConfig())
        except text_format.ParseError as error:
            raise PreconditionError(
                f"{path} is not a models.config: expected a ModelServerConfig in text format, received {error}; "
                "correct the file. TensorFlow Serving would not start with it either."
            ) from error
        if self.message.WhichOneof("config") != "model_config_list":
            raise PreconditionError(
                f"{path} lists no models: expected model_config_list {{ config {{ name: NAME base_path: PATH }} }}, "
                f"received {self.message.WhichOneof('config') or 'an empty file'}; add the model."
            )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file.

        Args:
            path: the file.

        Returns:
            The configuration.

        Raises:
            PreconditionError: The file is missing, or is not a ModelServerConfig.
        """
        try:
            return cls(path, path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise PreconditionError(
                f"{path} cannot be read: expected the file that the server was started with (--model_config_file), "
                f"received {error}; name it with --model-config-file."
            ) from error

    def write(self) -> None:
        """Write the file atomically: the server and the next command never find half of it."""
        durable_file.write_whole(self.path, self.text)

    def model_name(self, asked: str | None) -> str:
        """Return the requested model, or the only one.

        Args:
            asked: the requested name; None asks for the only model.

        Returns:
            The model's name.

        Raises:
            PreconditionError: The model is not listed, or none was requested and there are several.
        """
        names = [config.name for config in self.message.model_config_list.config]
        if asked is None and len(names) == 1:
            return str(names[0])
        if asked is None or asked not in names:
            raise PreconditionError(
                f"unknown model: expected --model with one of {', '.join(names) or 'no names'} (listed in "
                f"{self.path}), received {asked or 'none'}."
            )
        return asked

    def base_path(self, model: str) -> str:
        """Return the folder of the model's versions, as the server sees it."""
        return str(self._of(model).base_path)

    def versions(self, model: str) -> frozenset[int] | None:
        """Return the versions that the server must keep; None when it chooses itself (latest or all)."""
        policy = self._of(model).model_version_policy
        return frozenset(policy.specific.versions) if policy.HasField("specific") else None

    def labels(self, model: str) -> dict[str, int]:
        """Return the version of each label."""
        return dict(self._of(model).version_labels)

    def assigning(self, model: str, assignment: Assignment) -> "ModelsConfig":
        """Return the configuration with another assignment of the model's versions and labels.

        Comments at the top of the file are kept; others are lost, because the file is parsed and written again.

        Args:
            model: the model's name.
            assignment: its new versions and labels.

        Returns:
            The new configuration.
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
