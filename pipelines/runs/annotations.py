"""What people said of a run: the experiment that it belongs to, a note, and tags."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

NOTES_FILE = "notes.jsonl"  # in the run's folder: what was said after the run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Annotations:
    """What people said of one run."""

    experiment: str | None  # None: the run belongs to none
    note: str  # the newest; may be empty
    tags: tuple[str, ...]  # in the order in which they were given


def read_annotations(directory: Path, summary: Mapping[str, Any]) -> Annotations:
    """Reads what was said when the run began, and what was said later: the newest note, and all tags.

    A line of the file that cannot be read is left out: somebody may be writing it.

    Args:
        directory: of the run.
        summary: its record; older ones know no experiment.
    """
    begun = summary.get("experiment") or {}
    later = list(_read_lines(directory / NOTES_FILE))
    notes = [str(line["note"]) for line in later if line.get("note")]
    tags = [*(begun.get("tags") or ()), *(tag for line in later for tag in line.get("tags") or ())]
    return Annotations(
        experiment=begun.get("name") or None,
        note=notes[-1] if notes else str(begun.get("note") or ""),
        tags=tuple(dict.fromkeys(map(str, tags))),
    )


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found
