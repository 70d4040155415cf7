"""One review, and the file that holds those of a task: review.toml in the task's folder.

Each record has a checksum over all that it says, so that an edit by hand is noticed. It is no signature: whoever can
run this code can write a record. Who did is for the version control system to say.
"""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import tomlkit
import tomlkit.items

from pipelines.task_definition.task import Task
from pipelines.task_definition.task_files import REVIEW_FILE, task_directory
from pipelines.task_definition.toml_table import TableError, as_record, read_table
from serving.durable_file import write_whole

_HEAD = (
    "Who reviewed which code, on which run. Written by `make review`, not by hand: each record has a checksum.",
    "docs/how-to/review.md says what for.",
)
_FORMER_KEY = "room"  # of task_files, in review.toml; in what the checksum is over it still is


class ReviewError(ValueError):
    """A review cannot be recorded, or review.toml cannot be believed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Review:
    """Somebody reviewed the code that a run trained."""

    reviewer: str
    date: str  # UTC, ISO 8601
    run: str  # id of the run whose model and report were looked at
    note: str  # what the reviewer thinks of it, Markdown
    metrics: dict[str, float]  # of that run's model over all eval rows, each in its own unit
    task_files: dict[str, str]  # file of the task -> SHA-256 in hex, as that run trained it
    checksum: str = ""  # SHA-256 in hex, of all of the above

    def with_checksum(self) -> "Review":
        """Return the same, with the checksum that belongs to it."""
        return dataclasses.replace(self, checksum=self._digest())

    @property
    def intact(self) -> bool:
        """Whether the record is unchanged since its checksum was made."""
        return self.checksum == self._digest()

    def _digest(self) -> str:
        said = dataclasses.asdict(self)
        del said["checksum"]
        said[_FORMER_KEY] = said.pop("task_files")  # so that the checksums of earlier records hold
        return hashlib.sha256(json.dumps(said, sort_keys=True, allow_nan=False).encode()).hexdigest()


@dataclasses.dataclass(frozen=True, kw_only=True)
class _File:
    reviews: tuple[Review, ...] = ()


def locate_review_file(task: Task) -> Path:
    """Say where the reviews of a task are kept."""
    return task_directory(task) / REVIEW_FILE


def read_reviews(path: Path) -> tuple[Review, ...]:
    """Read the reviews in a file, the newest last; none where there is no file.

    Raises:
        ReviewError: The file was edited by hand: it is no TOML, or a record is not what its checksum says.
    """
    if not path.exists():
        return ()
    try:
        reviews = as_record(_with_present_keys(read_table(path)), _File, str(path)).reviews
    except TableError as error:
        raise ReviewError(str(error)) from error
    for number, review in enumerate(reviews, start=1):
        if not review.intact:
            raise ReviewError(f"{path}: reviews {number}: the record of run {review.run} does not match its checksum")
    return reviews


def _with_present_keys(table: dict[str, Any]) -> dict[str, Any]:
    """Rename what earlier versions wrote as `room`."""
    reviews = table.get("reviews")
    for review in reviews if isinstance(reviews, list) else ():
        if isinstance(review, dict) and _FORMER_KEY in review:
            review["task_files"] = review.pop(_FORMER_KEY)
    return table


def append_review(path: Path, review: Review) -> None:
    """Add a review to a file, which is written whole or not at all; what stands there stays as it is.

    Raises:
        ReviewError: The file was edited by hand.
        OSError: It cannot be written.
    """
    read_reviews(path)
    document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else _make_document()
    document.setdefault("reviews", tomlkit.aot()).append(_make_table(review))
    write_whole(path, tomlkit.dumps(document))


def _make_document() -> tomlkit.TOMLDocument:
    document = tomlkit.document()
    for line in _HEAD:
        document.add(tomlkit.comment(line))
    document.add(tomlkit.nl())
    return document


def _make_table(review: Review) -> tomlkit.items.Table:
    table = tomlkit.table()
    for name, value in dataclasses.asdict(review).items():
        table.add(name, tomlkit.string(value, multiline="\n" in value) if isinstance(value, str) else value)
    return table
