"""What became of each span; plain records, which load without TFX."""

import dataclasses
from typing import Any

ACCEPTED, UNCHANGED, REFUSED, IN_QUARANTINE, FAILED = "accepted", "unchanged", "refused", "in quarantine", "failed"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpanOutcome:
    """What became of a span."""

    span: str
    state: str  # ACCEPTED, UNCHANGED (not read again), REFUSED, IN_QUARANTINE (not read again) or FAILED
    version: int
    source: str
    fingerprint: str  # of what the files held
    seconds: float = 0.0
    rows: dict[str, int] = dataclasses.field(default_factory=dict)  # split -> rows
    times: dict[str, Any] | None = None  # components.row_times.component.TimeCounts; None: nobody looked
    error: str | None = None  # why it was refused, or failed; in full
    quarantine: str | None = None  # folder with the reasons

    @property
    def is_accepted(self) -> bool:
        """Whether the span, as it is now, can be trained on."""
        return self.state in (ACCEPTED, UNCHANGED)

    def describe(self) -> str:
        """Describe what was read, in a few words."""
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
