"""The options of `replay`; the text below a field is its help. Loads no TFX."""

import dataclasses
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pipelines.config import require_at_least
from pipelines.spans.pattern import SpanPattern


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplayOptions:
    """What a user can ask of a replay. Paths become absolute."""

    source: Annotated[Path, Parameter(name="--from")]
    """A folder with a CSV file for each span, such as `make data SPANS=1` writes."""
    pattern: str | None = None
    """How spans are named (see ingest)."""
    first: int = 4
    """So many spans train the first model; the rows of each later one are sent to the gateway."""
    settings: Annotated[Path | None, Parameter(name="--settings")] = None
    """The gateway's settings; without it, serving/gateway/<task>.toml."""
    task: str = "taxi"
    """A folder below pipelines/tasks/, or a dotted package."""
    var: Path = Path("var/replay")
    """Where everything is written; what an earlier replay left there is removed first."""

    def __post_init__(self) -> None:
        for name in ("source", "settings", "var"):
            path = getattr(self, name)
            object.__setattr__(self, name, path and path.absolute())
        require_at_least("first", self.first, 1)
        if self.pattern is not None:
            SpanPattern(self.pattern)  # Raises for one that says no span.

    @property
    def name(self) -> str:
        """The task's name, which its folders and its model have, too."""
        return self.task.rpartition(".")[2]
