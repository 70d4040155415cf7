"""Records of the outcome of each span. Imports no TFX."""

import dataclasses
from typing import Any

ACCEPTED, UNCHANGED, REFUSED, IN_QUARANTINE, FAILED = "accepted", "unchanged", "refused", "in quarantine", "failed"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpanOutcome:
    """The outcome of ingesting a span."""

    span: str
    state: str  # ACCEPTED, UNCHANGED (not read again), REFUSED, IN_QUARANTINE (not read again) or FAILED
    version: int
    source: str
    fingerprint: str  # of the files' content
    seconds: float = 0.0
    rows: dict[str, int] = dataclasses.field(default_factory=dict)  # split -> rows
    times: dict[str, Any] | None = None  # components.row_times.component.TimeCounts; None: times were not checked
    error: str | None = None  # the full reason why it was refused or failed
    quarantine: str | None = None  # folder with the reasons

    @property
    def is_accepted(self) -> bool:
        """Whether the span's current content can be trained on."""
        return self.state in (ACCEPTED, UNCHANGED)

    def describe(self) -> str:
        """Return what was read or why it was refused, as a short text."""
        if self.state == UNCHANGED:
            return "not read again"
        if self.error is not None:
            return self.error.splitlines()[0]
        said = [f"{split} {rows:,} rows" for split, rows in self.rows.items()]
        times = self.times or {}
        for word, meaning in (
            ("late", "of an earlier span"),
            ("early", "of a later span"),
            ("unknown", "without a time"),
        ):
            if times.get(word):
                said.append(f"{times[word]:,} {'row' if times[word] == 1 else 'rows'} {meaning}")
        return ", ".join(said)
