"""Read a small file again when another process changes it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class WatchedFile(Generic[T]):
    """The current value of a file.

    Args:
        path: the file.
        parse: converts the text to the value; raises ValueError for an unusable text.
        absent: the value of a missing file; without it, a missing file is an error.

    Raises:
        ValueError: The file's text cannot be used.
        OSError: The file cannot be read.
    """

    def __init__(self, path: Path, parse: Callable[[str], T], absent: T | None = None):
        self._path = path
        self._parse = parse
        self._absent = absent
        self._seen = self._look()
        self._value = self._read()
        self._fault: str | None = None  # the last logged fault, while it lasts

    @property
    def value(self) -> T:
        """Return the current value. If a new text cannot be used, the old value stays, and the log says so once."""
        now = self._look()
        if now == self._seen:
            self._fault = None
            return self._value
        try:
            self._value = self._read()
        except OSError as error:  # may pass without a change of the file: the next request tries again
            self._log_fault(error)
        except ValueError as error:
            self._seen = now
            self._log_fault(error)
        else:
            self._seen = now
            self._fault = None
            _log.info("read again", file=str(self._path))
        return self._value

    def _log_fault(self, error: Exception) -> None:
        if str(error) != self._fault:
            self._fault = str(error)
            _log.error("cannot be used; the earlier content stays in use", file=str(self._path), error=self._fault)

    def _look(self) -> tuple[int, ...] | None:
        try:
            found = os.stat(self._path)
        except OSError:  # reading the file decides whether that is a fault
            return None
        # Include ctime: an editor can restore the other values.
        return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size

    def _read(self) -> T:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            if self._absent is None:
                raise
            return self._absent
        try:
            return self._parse(text)
        except ValueError as error:
            raise ValueError(f"{self._path}: {error}") from error
