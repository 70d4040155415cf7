"""The options of `data-pin` and `data-restore`; the text below a field is its help. Loads no TFX."""

import dataclasses
from pathlib import Path


@dataclasses.dataclass(frozen=True, kw_only=True)
class VersionOptions:
    """What both commands need. Paths become absolute."""

    task: str = "taxi"
    """A folder below pipelines/tasks/, or a dotted package."""
    var: Path = Path("var")
    """The folder that the runs wrote to."""
    versions: Path = Path("data-versions")
    """DVC's folder: it names the remote, and has a small .dvc file for each pinned file. Commit it."""
    dvc: str = "dvc"
    """DVC's command; `python -m environment.dvc` installs it and prints its path."""

    def __post_init__(self) -> None:
        for name in ("var", "versions"):
            object.__setattr__(self, name, getattr(self, name).absolute())

    @property
    def name(self) -> str:
        """The task's name, which its folders have, too."""
        return self.task.rpartition(".")[2]


@dataclasses.dataclass(frozen=True, kw_only=True)
class PinOptions(VersionOptions):
    """The options of `data-pin`."""

    run: str | None = None
    """Only what this run was trained on, or latest; without it, all that the task's runs and ingestions read."""
    remote: str | None = None
    """Where DVC keeps the data, a folder or such as s3://bucket/path; needed once."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RestoreOptions(VersionOptions):
    """The options of `data-restore`."""

    run: str = "latest"
    """The run whose data are wanted."""
    out: Path | None = None
    """A folder that is not there yet; without it, <var>/data/restored/<run>."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "out", self.out and self.out.absolute())
