"""List the finished files of a folder repeatedly, at the cost of what changed."""

import datetime
import os
import time
from pathlib import Path

from serving.request_log.files import MARGIN, is_finished

_SETTLED_NS = 2_000_000_000  # a folder that changed more recently may change again with the same modification time


class FolderListing:
    """The finished files of a folder; unchanged day folders are not listed again. Use it from one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._days: dict[str, tuple[int, list[Path]]] = {}  # day -> its folder's modification time, and its files

    def files(self, since: datetime.datetime) -> list[Path]:
        """Return the files that may hold rows of a time or later, newest first; empty without a folder.

        Args:
            since: with time zone.

        Returns:
            The paths.

        Raises:
            OSError: A folder cannot be read.
        """
        first = (since.astimezone(datetime.UTC) - MARGIN).date().isoformat()
        try:
            days = [entry.name for entry in os.scandir(self._folder) if entry.name >= first and entry.is_dir()]
        except FileNotFoundError:
            return []
        self._days = {day: self._list(day) for day in days}
        found = [path for _, paths in self._days.values() for path in paths]
        return sorted(found, key=lambda path: path.name, reverse=True)

    def forget(self) -> None:
        """List everything again the next time, because the listing was out of date."""
        self._days.clear()

    def _list(self, day: str) -> tuple[int, list[Path]]:
        folder = self._folder / day
        changed = folder.stat().st_mtime_ns
        known = self._days.get(day)
        if known is not None and known[0] == changed:
            return known
        paths = [folder / name for name in os.listdir(folder) if is_finished(name)]
        return (changed if time.time_ns() - changed > _SETTLED_NS else -1), paths
