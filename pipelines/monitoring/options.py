"""The options of `monitor`. The text below a field is its help."""

import dataclasses
import datetime
from pathlib import Path

from pipelines.monitoring.time_window import TimeWindow, parse_duration, parse_moment


@dataclasses.dataclass(frozen=True, kw_only=True)
class MonitorOptions:
    """What to judge, and where to write. Paths become absolute."""

    task: str = "taxi"
    """A folder below pipelines/tasks/, or a dotted package."""
    log: Path | None = None
    """The gateway's request log; without it, <var>/requests/<task>/."""
    feedback: Path | None = None
    """The reported outcomes; without it, <var>/feedback/<task>/."""
    window: str = "7d"
    """Length of the window: a number with s, m, h, d or w."""
    until: str = "now"
    """End of the window: ISO 8601, in UTC if it names no time zone."""
    fair_mix: bool = False
    """Compare with training in full, even if the window is not a whole number of weeks."""
    var: Path = Path("var")
    """The folder that the runs wrote to; the results of monitoring are written there, too."""
    metrics: Path | None = None
    """Folder for <task>_traffic.prom, which node_exporter's textfile collector reads; without it, the page's folder."""
    force: bool = False
    """Ignore the cache: run every node."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "var", self.var.absolute())
        object.__setattr__(self, "log", self.log and self.log.absolute())
        object.__setattr__(self, "feedback", self.feedback and self.feedback.absolute())
        object.__setattr__(self, "metrics", self.metrics and self.metrics.absolute())
        parse_duration(self.window)
        parse_moment(self.until)

    def time_window(self) -> TimeWindow:
        """Return the window; if it ends `now`, that is the time of this call."""
        end = parse_moment(self.until) or datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        return TimeWindow(end=end, length=parse_duration(self.window), fair_mix=self.fair_mix)
