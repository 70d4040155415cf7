"""The settings of feedback: whose outcomes are accepted, for how long after the request, and where they are stored."""

import dataclasses
from pathlib import Path

MIB = 2**20


@dataclasses.dataclass(frozen=True, kw_only=True)
class FeedbackSettings:
    """Settings of a `FeedbackStore`.

    Raises:
        ValueError: A value is out of its range.
    """

    folder: Path  # for day folders with Parquet files; created if it does not exist
    trusted: tuple[str, ...] = ()  # names of API keys that may report outcomes of all requests
    accept_days: float = 90.0  # longest time between a request and its outcome
    cached_ids: int = 1_000_000  # rows of the log, and of feedback, whose ids stay in memory, 30 bytes each
    queue_batches: int = 100  # batches that wait for the writer; more are refused
    merge_files: int = 100  # small files of one process that are merged into one
    keep_files: int = 100_000  # the oldest files beyond these are removed
    keep_bytes: int = 4096 * MIB  # or beyond these
    keep_days: float = 730.0  # or when they are older

    def __post_init__(self) -> None:
        for name, least in (
            ("cached_ids", 0), ("queue_batches", 1), ("merge_files", 2), ("keep_files", 1), ("keep_bytes", 1),
        ):  # fmt: skip
            if getattr(self, name) < least:
                raise ValueError(f"feedback: {name}: expected at least {least}, received {getattr(self, name)}")
        for name in ("accept_days", "keep_days"):
            if not getattr(self, name) > 0:
                raise ValueError(f"feedback: {name}: expected more than 0, received {getattr(self, name)}")
        if self.keep_days < self.accept_days:
            raise ValueError(
                f"feedback: keep_days: expected at least accept_days, {self.accept_days:g}, received "
                f"{self.keep_days:g}: an outcome whose file is removed would be accepted again"
            )
