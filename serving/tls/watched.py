"""Hold a value that is made from several files, and make it again when a file changes."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from serving.tls.errors import TlsError

T = TypeVar("T")
_TRIES = 5  # tries to read files that do not change meanwhile
_Look = tuple[tuple[int, ...] | None, ...]

_log = logging.getLogger(__name__)


class WatchedFiles(Generic[T]):
    """The current value of several files. Thread-safe.

    `serving.gateway.watched_file` is for one text. A certificate and its key, however, are two files that change one
    after the other: in between, the earlier value stays.

    Args:
        files: the files that `make` reads.
        make: reads the files and returns the value; raises TlsError if they cannot be used.

    Raises:
        TlsError: The files cannot be used.
    """

    def __init__(self, files: Sequence[Path], make: Callable[[], T]):
        self._files = files
        self._make = make
        self._lock = threading.Lock()
        self._seen, self._value = self._read()
        self._outdated = False

    @property
    def value(self) -> T:
        """Return the value of the files; the earlier value if they cannot be used now, which is logged once."""
        if self._look() == self._seen:
            return self._value
        with self._lock:
            if (now := self._look()) == self._seen:
                return self._value
            try:
                self._seen, self._value = self._read()
            except (TlsError, OSError) as error:  # OSError: a file was removed while it was read
                self._seen = now
                self._outdated = True
                _log.error("Changed files cannot be used, and their earlier content stays in use: %s", error)
            else:
                self._outdated = False
                _log.info("Read again: %s", ", ".join(map(str, self._files)))
            return self._value

    @property
    def outdated(self) -> bool:
        """Return whether the files have changed and cannot be used."""
        _ = self.value
        return self._outdated

    def _read(self) -> tuple[_Look, T]:
        """Read the files while none of them changes.

        Returns:
            The state of the files, and the value made of them.

        Raises:
            TlsError: The files cannot be used, or keep changing.
        """
        for _ in range(_TRIES):
            before = self._look()
            value = self._make()
            if self._look() == before:
                return before, value
        raise TlsError(
            f"{', '.join(map(str, self._files))}: expected unchanged files, received changes at each read; try again"
        )

    def _look(self) -> _Look:
        return tuple(map(_look_at, self._files))


def _look_at(path: Path) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)
    except OSError:  # reading the file decides whether that is a fault
        return None
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size
