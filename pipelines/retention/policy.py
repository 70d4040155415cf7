"""Options that say how long and how much to keep. The text below a field is its help."""

import dataclasses

from pipelines.config import ConfigError, require_at_least


@dataclasses.dataclass(frozen=True, kw_only=True)
class RetentionPolicy:
    """How long and how much to keep: what is older than the days and not among the newest is removed."""

    keep_days: float = 30.0
    """Keep runs, ingestions, monitoring runs, artifacts and versions that are younger than this many days."""
    keep_runs: int = 10
    """Keep this many of each task's newest runs, ingestions and monitoring runs, with their inputs and outputs."""
    keep_versions: int = 5
    """Keep this many of each task's newest pushed versions, with their lineage."""
    keep_log_days: float = 90.0
    """Keep files of the request log that are younger than this many days."""

    def __post_init__(self) -> None:
        require_at_least("keep runs", self.keep_runs, 1)
        require_at_least("keep versions", self.keep_versions, 1)
        for name in ("keep_days", "keep_log_days"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name.replace('_', ' ')}: expected 0 or more, received {getattr(self, name)}")
