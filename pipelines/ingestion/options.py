"""Options of `ingest`. The text below a field is its help. Imports no TFX."""

import dataclasses
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pipelines.config import ConfigError, require_at_least
from pipelines.ingestion.logged_window import parse_window
from pipelines.spans.pattern import SpanPattern


@dataclasses.dataclass(frozen=True, kw_only=True)
class IngestOptions:
    """Options of an ingestion. Paths become absolute."""

    source: Annotated[Path | None, Parameter(name="--from")] = None
    """A folder that holds a file (CSV, CSV.gz or Parquet) or a folder of files for each span."""
    from_log: bool = False
    """Instead of a folder, take those rows of the gateway's request log that have an outcome."""
    log: Path | None = None
    """With --from-log: the gateway's request log; without it, <var>/requests/<task>/."""
    feedback: Path | None = None
    """With --from-log: the reported outcomes; without it, <var>/feedback/<task>/."""
    window: str | None = None
    """With --from-log: day, month (the default) or quarter, for each that is over; or one period, such as 2026-11."""
    pattern: str | None = None
    """Pattern of the spans' names: trips-{YYYY}Q{Q}, {YYYY}-{MM}-{DD}, part-{SPAN}; without it, it is detected."""
    task: str = "taxi"
    """A folder below pipelines/tasks/, or a dotted package."""
    var: Path = Path("var")
    """Where everything is written."""
    at_once: int | None = None
    """Run at most this many nodes at once; without it, as many as cores and memory allow."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "var", self.var.absolute())
        for name in ("source", "log", "feedback"):
            path = getattr(self, name)
            object.__setattr__(self, name, path and path.absolute())
        self._check_source()
        if self.pattern is not None:
            SpanPattern(self.pattern)  # Raises if the pattern is not valid.
        if self.at_once is not None:
            require_at_least("at once", self.at_once, 1)

    @property
    def name(self) -> str:
        """Name of the task without its package; its folders have the same name."""
        return self.task.rpartition(".")[2]

    @property
    def logged(self) -> Path:
        """Folder of the request log."""
        return self.log or self.var / "requests" / self.name

    @property
    def told(self) -> Path:
        """Folder of the outcomes."""
        return self.feedback or self.var / "feedback" / self.name

    def _check_source(self) -> None:
        if self.from_log == (self.source is not None):
            raise ConfigError(
                "expected --from FOLDER or --from-log, received " + ("both" if self.from_log else "neither")
            )
        of_log = {"--log": self.log, "--feedback": self.feedback, "--window": self.window}
        if not self.from_log and (given := [name for name, value in of_log.items() if value is not None]):
            raise ConfigError(f"{', '.join(given)}: expected only with --from-log")
        if self.window is not None:
            parse_window(self.window)  # Raises if the window is not valid.
        if self.from_log and self.pattern is not None:
            raise ConfigError("--pattern names the spans of a folder: expected without --from-log")
