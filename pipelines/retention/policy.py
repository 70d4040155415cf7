"""How long and how much is kept: the command line's options. The text below a field is its help."""

import dataclasses

from pipelines.config import ConfigError, require_at_least


@dataclasses.dataclass(frozen=True, kw_only=True)
class RetentionPolicy:
    """A thing is removed when it is older than the days, and not among the newest so many."""

    keep_days: float = 30.0
    """Keep runs, ingestions, looks at the traffic, artifacts and versions that are younger than so many days."""
    keep_runs: int = 10
    """Keep the newest so many runs, ingestions and looks of each task, with all artifacts that they made or read."""
    keep_versions: int = 5
    """Keep the newest so many pushed versions of each task, with their lineage."""
    keep_log_days: float = 90.0
    """Keep the request log's files that are younger than so many days."""

    def __post_init__(self) -> None:
        require_at_least("keep runs", self.keep_runs, 1)
        require_at_least("keep versions", self.keep_versions, 1)
        for name in ("keep_days", "keep_log_days"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name.replace('_', ' ')}: expected 0 or more, received {getattr(self, name)}")
