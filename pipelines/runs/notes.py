"""Append and read the notes and tags that people give a run: `notes.jsonl` in its folder, one record a line.

A record has `time` (UTC, ISO 8601) and either `note`, which replaces the note before, or `tags`, which are added.
"""

import datetime
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.runs.errors import RunError

NOTES_FILE = "notes.jsonl"


def add_note(directory: Path, note: str) -> None:
    """Append a note to a run's folder.

    Args:
        directory: the run's folder.
        note: the text.

    Raises:
        RunError: The note is empty, or cannot be written.
    """
    if not note.strip():
        raise RunError("note: expected a text, received none; say what you found")
    _append(directory, {"note": note})


def add_tags(directory: Path, tags: Sequence[str]) -> None:
    """Append tags to a run's folder.

    Args:
        directory: the run's folder.
        tags: the tags, at least one.

    Raises:
        RunError: There is no tag, a tag is empty, or they cannot be written.
    """
    if not tags or not all(tag.strip() for tag in tags):
        raise RunError(f"tags: expected one word or more, received {list(tags)!r}")
    _append(directory, {"tags": list(tags)})


def read_note(directory: Path, summary: Mapping[str, Any]) -> str | None:
    """Return the newest note of a run, or else the note of its experiment; None if there is neither."""
    notes = [record["note"] for record in _read(directory) if "note" in record]
    return notes[-1] if notes else (summary["experiment"] or {}).get("note")


def read_tags(directory: Path, summary: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tags of a run, its experiment's first, each once."""
    later = [tag for record in _read(directory) for tag in record.get("tags", ())]
    return tuple(dict.fromkeys([*(summary["experiment"] or {}).get("tags", ()), *later]))


def _append(directory: Path, record: Mapping[str, Any]) -> None:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    line = json.dumps({"time": now, **record}, ensure_ascii=False) + "\n"
    try:
        # One write of one line: lines of two processes are not mixed.
        with (directory / NOTES_FILE).open("ab", buffering=0) as file:
            file.write(line.encode())
            os.fsync(file.fileno())
    except OSError as error:
        raise RunError(
            f"{directory / NOTES_FILE} cannot be written: {error}; free space, or make it writable"
        ) from error


def _read(directory: Path) -> Iterator[dict[str, Any]]:
    path = directory / NOTES_FILE
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            yield json.loads(line)
        except ValueError as error:
            raise RunError(
                f"{path} is damaged in line {number}: expected JSON, received {error}; correct or remove that line."
            ) from error
