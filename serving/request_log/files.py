"""The files of the request log: `<folder>/<day>/<first row's time>-<writer>-<number>.parquet`, complete or absent.

A day is a date in UTC, such as `2026-11-21`. Times in names sort as text. The writer's token separates gateways that
share a folder. Feedback (serving/feedback/) is stored in such files, too.
"""

import datetime
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from serving import durable_file

SUFFIX = ".parquet"
UNFINISHED = f"{SUFFIX}.tmp"  # the name that serving/durable_file.py writes to first
_TIME = "%Y%m%dT%H%M%S%f"
_NAME = re.compile(r"(?P<time>\d{8}T\d{12})Z-[0-9a-f]{8}-\d{6,}\.parquet(\.tmp)?")
_ABANDONED = datetime.timedelta(hours=1)  # a file is being written for seconds; after an hour its writer has died
MARGIN = datetime.timedelta(days=1)  # the longest time that a file collects rows


class GrowingFile:
    """A Parquet file that grows in memory until it is written at once.

    It stays in memory because a Parquet file is readable only once its end is written: half a file on disk would be
    useless.

    Args:
        schema: the pyarrow.Schema of the rows.
        opened: the time of the first row, in seconds of time.monotonic.
    """

    def __init__(self, schema: Any, opened: float) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.rows = 0
        self.opened = opened  # seconds of time.monotonic at the first row
        self._first: datetime.datetime | None = None
        self._sink = pa.BufferOutputStream()
        self._writer = pq.ParquetWriter(self._sink, schema, compression="zstd")

    @property
    def size(self) -> int:
        """Return the bytes so far, without the file's footer."""
        return self._sink.tell()

    def append(self, table: Any, first: datetime.datetime) -> None:
        """Add rows; `first` is the time of the first of them."""
        self._first = self._first or first
        self._writer.write_table(table)
        self.rows += table.num_rows

    def finish(self) -> tuple[datetime.datetime, memoryview]:
        """Finish the file.

        Returns:
            The time of the first row, and the file's bytes.
        """
        self._writer.close()
        return self._first or datetime.datetime.now(datetime.UTC), memoryview(self._sink.getvalue())


class FolderSettings(Protocol):
    """The folder of a log, and how long it keeps files."""

    @property
    def folder(self) -> Path:
        """Return the folder for day folders with Parquet files; it is created if it does not exist."""

    @property
    def keep_files(self) -> int:
        """Return the number of files to keep; the oldest beyond it are removed."""

    @property
    def keep_bytes(self) -> int:
        """Return the total size to keep; the oldest files beyond it are removed."""

    @property
    def keep_days(self) -> float:
        """Return the age from which files are removed."""


class LogFolder:
    """A folder that takes finished files and removes old ones.

    Args:
        settings: the folder, and how long it keeps files.
    """

    def __init__(self, settings: FolderSettings) -> None:
        self._settings = settings
        self._token = secrets.token_hex(4)
        self._written = 0

    def write(self, first: datetime.datetime, content: memoryview) -> Path:
        """Write a file, completely or not at all, readable by its owner and group only.

        Args:
            first: the time of the first row, with time zone.
            content: the file's bytes.

        Returns:
            The file's path.

        Raises:
            OSError: The disk is full, or the folder cannot be written.
        """
        first = first.astimezone(datetime.UTC)
        day = self._settings.folder / first.date().isoformat()
        day.mkdir(parents=True, exist_ok=True, mode=0o750)
        self._written += 1
        path = day / f"{first.strftime(_TIME)}Z-{self._token}-{self._written:06}{SUFFIX}"
        durable_file.write_whole(path, content, mode=0o640)
        return path

    def clean(self) -> list[Path]:
        """Remove files beyond what the settings keep, oldest first, and unfinished files of dead writers.

        Returns:
            The removed files.

        Raises:
            OSError: A file cannot be removed.
        """
        settings, now = self._settings, datetime.datetime.now(datetime.UTC)
        finished = sorted(log_files(settings.folder), key=lambda path: path.name)
        sizes = {path: _size(path) for path in finished}
        files, total = len(finished), sum(sizes.values())
        removed = []
        for path in finished:
            too_old = now - _time_of(path) > datetime.timedelta(days=settings.keep_days)
            if not (too_old or files > settings.keep_files or total > settings.keep_bytes):
                break
            removed.append(path)
            files, total = files - 1, total - sizes[path]
        for path in settings.folder.glob(f"*/*{UNFINISHED}"):
            if _NAME.fullmatch(path.name) and now.timestamp() - path.stat().st_mtime > _ABANDONED.total_seconds():
                removed.append(path)
        for path in removed:
            path.unlink(missing_ok=True)  # another gateway with the same folder may have removed it first
        _remove_empty({path.parent for path in removed}, now - MARGIN)
        return removed


def log_files(
    folder: Path, start: datetime.datetime | None = None, end: datetime.datetime | None = None
) -> Iterator[Path]:
    """Yield the finished files that may hold rows of a time span, in no order; skip other files of the folder.

    Args:
        folder: the log's folder; it may be missing.
        start: start of the span, with time zone; None for no start.
        end: end of the span, exclusive, with time zone; None for no end.

    Yields:
        The paths.
    """
    for path in folder.glob(f"*/*{SUFFIX}"):
        if not is_finished(path.name):
            continue
        time = _time_of(path)
        if (start is None or start - time <= MARGIN) and (end is None or time - end < MARGIN):
            yield path


def is_finished(name: str) -> bool:
    """Return whether a file has the name of a finished file."""
    if not (_NAME.fullmatch(name) and name.endswith(SUFFIX)):
        return False
    try:
        _time_of(Path(name))
    except ValueError:  # the name fits, but its date does not exist
        return False
    return True


def _time_of(path: Path) -> datetime.datetime:
    return datetime.datetime.strptime(path.name.partition("Z")[0], _TIME).replace(tzinfo=datetime.UTC)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # another gateway with the same folder removed it
        return 0


def _remove_empty(folders: set[Path], before: datetime.datetime) -> None:
    """Remove empty day folders, except of days that a file may be written for."""
    for folder in folders:
        if folder.name < before.date().isoformat() and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
