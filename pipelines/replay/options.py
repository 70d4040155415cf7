"""Options of `replay`. The text below a field is its help. Imports no TFX."""

import dataclasses
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pipelines.config import require_at_least
from pipelines.spans.pattern import SpanPattern


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplayOptions:
    """Options of a replay. Paths become absolute."""

    source: Annotated[Path, Parameter(name="--from")]
    """A folder with a CSV file for each span, such as `make data SPANS=1` writes."""
    pattern: str | None = None
    """Pattern of the spans' names (see ingest)."""
    first: int = 4
    """Number of spans that train the first model; the rows of each later span are sent to the gateway."""
    settings: Annotated[Path | None, Parameter(name="--settings")] = None
    """The gateway's TOML file; without it, serving/gateway/<task>.toml."""
    task: str = "taxi"
    """A folder below pipelines/tasks/, or a dotted package."""
    var: Path = Path("var/replay")
    """Where everything is written; the files of an earlier replay are removed first."""

    def __post_init__(self) -> None:
        for name in ("source", "settings", "var"):
            path = getattr(self, name)
            object.__setattr__(self, name, path and path.absolute())
        require_at_least("first", self.first, 1)
        if self.pattern is not None:
            SpanPattern(self.pattern)  # Raises if the pattern is not valid.

    @property
    def name(self) -> str:
        """Name of the task without its package; its folders and its model have the same name."""
        return self.task.rpartition(".")[2]
