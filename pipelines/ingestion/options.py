"""The options of `ingest`; the text below a field is its help. Loads no TFX."""

import dataclasses
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pipelines.config import require_at_least
from pipelines.spans.pattern import SpanPattern


@dataclasses.dataclass(frozen=True, kw_only=True)
class IngestOptions:
    """What a user can ask of an ingestion. Paths become absolute."""

    source: Annotated[Path, Parameter(name="--from")]
    """A folder that holds a file (CSV, CSV.gz or Parquet) or a folder of files for each span."""
    pattern: str | None = None
    """How spans are named, such as trips-{YYYY}Q{Q}, {YYYY}-{MM}-{DD} or part-{SPAN}; without it, found out."""
    task: str = "taxi"
    """A folder below pipelines/tasks/, or a dotted package."""
    var: Path = Path("var")
    """Where everything is written."""
    at_once: int | None = None
    """Run so many nodes at the same time at most; without it, what cores and memory allow."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "var", self.var.absolute())
        object.__setattr__(self, "source", self.source.absolute())
        if self.pattern is not None:
            SpanPattern(self.pattern)  # Raises for one that says no span.
        if self.at_once is not None:
            require_at_least("at once", self.at_once, 1)
