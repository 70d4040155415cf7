"""Options of `data-pin` and `data-restore`. The text below a field is its help. Imports no TFX."""

import dataclasses
from pathlib import Path


@dataclasses.dataclass(frozen=True, kw_only=True)
class VersionOptions:
    """Options that both commands have. Paths become absolute."""

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
        """Name of the task without its package; its folders have the same name."""
        return self.task.rpartition(".")[2]


@dataclasses.dataclass(frozen=True, kw_only=True)
class PinOptions(VersionOptions):
    """The options of `data-pin`."""

    run: str | None = None
    """Pin only the data that this run was trained on; latest: the newest run. Without it, all that the task read."""
    remote: str | None = None
    """Where DVC keeps the data: a folder or a URL such as s3://bucket/path. Needed only the first time."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RestoreOptions(VersionOptions):
    """The options of `data-restore`."""

    run: str = "latest"
    """The run whose data to restore."""
    out: Path | None = None
    """A folder that does not exist yet; without it, <var>/data/restored/<run>."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "out", self.out and self.out.absolute())
