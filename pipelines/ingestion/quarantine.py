"""Keep the refused spans and the reasons, for people and for programs.

`<var>/quarantine/<task>/<span>/` holds `reasons.txt` and `reasons.json`, which is written last. The folder is removed
when the span is accepted.
"""

import dataclasses
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from components.anomaly_gate.findings import Finding
from pipelines.ingestion.blamed_rows import BlamedCell, BlamedRows
from pipelines.ingestion.printable import encode_json, make_printable
from serving.durable_file import write_whole

FORMAT = 1
_RECORD, _TEXT = "reasons.json", "reasons.txt"
_SHOWN_ROWS = 50  # in the text; the record lists more


@dataclasses.dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a version of a span was refused."""

    task: str
    span: str
    version: int
    source: str  # the file or folder that was read
    fingerprint: str  # of its content
    judged_by: str  # digest of contract and code
    compared_with: str  # name and version of the accepted span before it; empty if there is none
    refused: str  # time of the refusal: UTC, ISO 8601
    node: str  # that refused it
    error: str  # the full message
    findings: Sequence[Finding] = ()  # of AnomalyGate
    blamed: BlamedRows = dataclasses.field(default_factory=BlamedRows)
    accepted_version: int | None = None  # of the same span, which stays in use; None if there is none
    contract: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the refusal in JSON's types."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        fields |= {"findings": [finding.as_dict() for finding in self.findings]}
        fields["rows"] = [dataclasses.asdict(cell) for cell in self.blamed.cells]
        del fields["blamed"]
        return {"format": FORMAT, **fields, "rows_to_blame": self.blamed.total, "rows_unread": self.blamed.unread}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Self:
        """Return the refusal that as_dict converted."""
        own = {name: record[name] for name in (field.name for field in dataclasses.fields(cls)) if name in record}
        own["findings"] = [Finding(**finding) for finding in record["findings"]]
        own["blamed"] = BlamedRows(
            cells=[BlamedCell(**cell) for cell in record["rows"]],
            total=record["rows_to_blame"],
            unread=record["rows_unread"],
        )
        return cls(**own)

    def describe(self) -> str:
        """Return the refusal as a text for people, with what to do."""
        rows = [str(cell) for cell in self.blamed.cells[:_SHOWN_ROWS]]
        if self.blamed.total > len(rows):
            rows.append(f"and {self.blamed.total - len(rows):,} more; {_RECORD} lists {len(self.blamed.cells):,}")
        if self.blamed.unread and self.blamed.unread not in self.error:
            rows.append(f"not read to its end: {self.blamed.unread}")
        stays = (
            f"Version {self.accepted_version}, which was accepted before, stays in use."
            if self.accepted_version
            else "No version of this span was accepted before: training goes on without it."
        )
        return "\n".join(
            [
                f"{self.span}, version {self.version}, of task {self.task}: refused by {self.node} at {self.refused}",
                f"read from {self.source}",
                "",
                self.error,
                "",
                *([f"Rows to blame: {self.blamed.total:,}", *(f"  {row}" for row in rows), ""] if rows else []),
                stays,
                f"What to do: correct {self.source}, and ingest again; or, if the rows are right, change "
                f"{self.contract or 'the contract'}, and ingest again.",
                "",
            ]
        )


class Quarantine:
    """The refused spans of one task."""

    def __init__(self, var: Path, task: str):
        """Set the folder; nothing is read.

        Args:
            var: where everything is written.
            task: name of the task.
        """
        self._folder = var / "quarantine" / task

    def folder(self, span: str) -> Path:
        """Return the folder of a span."""
        return self._folder / span

    def find(self, span: str) -> Refusal | None:
        """Return why a span is in quarantine, or None if it is not."""
        record = self.folder(span) / _RECORD
        return Refusal.from_dict(json.loads(record.read_text(encoding="utf-8"))) if record.exists() else None

    def put(self, refusal: Refusal) -> Path:
        """Write why a span was refused, replacing an earlier refusal, and return its folder."""
        folder = self.folder(refusal.span)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _RECORD).unlink(missing_ok=True)  # After a kill here, the span is refused again.
        write_whole(folder / _TEXT, make_printable(refusal.describe()))
        write_whole(folder / _RECORD, encode_json(refusal.as_dict()))
        return folder

    def release(self, span: str) -> None:
        """Remove an accepted span from the quarantine."""
        if self.folder(span).exists():
            (self.folder(span) / _RECORD).unlink(missing_ok=True)
            shutil.rmtree(self.folder(span))
