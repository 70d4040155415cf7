"""A small file that somebody else writes, read again when it changes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class WatchedFile(Generic[T]):
    """What a file says, as of now.

    Args:
        path: the file.
        parse: its text -> what it says; raises ValueError on a text that it cannot use.
        absent: what it says when it is not there; without it, a file that is not there is one that cannot be read.

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
        self._fault: str | None = None  # what the log said last, for as long as it holds

    @property
    def value(self) -> T:
        """Return the current value. If a new text cannot be used, the old value stays, and the log says so once."""
        now = self._look()
        if now == self._seen:
            self._fault = None
            return self._value
        try:
            self._value = self._read()
        except OSError as error:  # may pass without a change of the file: tried again with the next request
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
            _log.error("cannot be used; what it said before stands", file=str(self._path), error=self._fault)

    def _look(self) -> tuple[int, ...] | None:
        try:
            found = os.stat(self._path)
        except OSError:  # Reading it says whether that is a fault.
            return None
        # ctime as well: a file that is edited and given its old time keeps the others.
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
