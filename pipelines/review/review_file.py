"""Read and write the reviews of a task in review.toml in the task's folder.

Each record has a checksum over all its fields, so that an edit by hand is noticed. It is not a signature: anyone who
can run this code can write a record. The version control system shows who did.
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
    "docs/how-to/review.md explains reviews.",
)
_FORMER_KEY = "room"  # earlier name of task_files in review.toml; still its name in the checksum


class ReviewError(ValueError):
    """A review cannot be recorded, or review.toml is not valid."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Review:
    """A person's review of the code that a run was trained with."""

    reviewer: str
    date: str  # UTC, ISO 8601
    run: str  # id of the run whose model and report were reviewed
    note: str  # the reviewer's opinion, Markdown
    metrics: dict[str, float]  # of that run's model over all eval rows, each in its own unit
    task_files: dict[str, str]  # file of the task -> SHA-256 in hex, as that run used it
    checksum: str = ""  # SHA-256 in hex of the fields above

    def with_checksum(self) -> "Review":
        """Return the same review with its checksum."""
        return dataclasses.replace(self, checksum=self._digest())

    @property
    def intact(self) -> bool:
        """Whether the record is unchanged since its checksum was made."""
        return self.checksum == self._digest()

    def _digest(self) -> str:
        said = dataclasses.asdict(self)
        del said["checksum"]
        said[_FORMER_KEY] = said.pop("task_files")  # so that the checksums of earlier records stay valid
        return hashlib.sha256(json.dumps(said, sort_keys=True, allow_nan=False).encode()).hexdigest()


@dataclasses.dataclass(frozen=True, kw_only=True)
class _File:
    reviews: tuple[Review, ...] = ()


def locate_review_file(task: Task) -> Path:
    """Return the path of a task's reviews."""
    return task_directory(task) / REVIEW_FILE


def read_reviews(path: Path) -> tuple[Review, ...]:
    """Return the reviews in a file, the newest last; none if there is no file.

    Raises:
        ReviewError: The file is not TOML, or a record does not match its checksum: it was edited by hand.
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
    """Rename the key `room` of earlier versions to `task_files`."""
    reviews = table.get("reviews")
    for review in reviews if isinstance(reviews, list) else ():
        if isinstance(review, dict) and _FORMER_KEY in review:
            review["task_files"] = review.pop(_FORMER_KEY)
    return table


def append_review(path: Path, review: Review) -> None:
    """Add a review to a file, which is written whole or not at all; the earlier reviews stay as they are.

    Raises:
        ReviewError: The file was edited by hand.
        OSError: The file cannot be written.
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
