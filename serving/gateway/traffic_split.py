"""Read the canary's share of requests or callers, which the roll-out writes.

The file holds `{"canary_percent": 10}`; a missing file means 0.
"""

import random
from pathlib import Path

from serving import traffic_file
from serving.gateway.sticky import percentile
from serving.gateway.watched_file import WatchedFile


class TrafficSplit:
    """Choose between stable and canary by the file's share: consistently for a known caller, else at random.

    Args:
        path: the file; None sends nothing to the canary.
        draw: the random generator.
        salt: the task's name; see percentile().

    Raises:
        ValueError: The file holds no valid percentage.
        OSError: The file cannot be read.
    """

    def __init__(self, path: Path | None, draw: random.Random | None = None, salt: str = ""):
        self._file = WatchedFile(path, traffic_file.parse, absent=0.0) if path else None
        self._draw = draw or random.Random()
        self._salt = salt

    @property
    def canary_percent(self) -> float:
        """Return the current percentage of requests for the canary."""
        return self._file.value if self._file else 0.0

    def canary(self, caller: str | None = None) -> bool:
        """Return whether this request goes to the canary.

        Args:
            caller: the value that identifies the caller; None chooses at random.

        Returns:
            True for the canary, False for stable.
        """
        place = self._draw.random() * 100 if caller is None else percentile(self._salt, caller)
        return place < self.canary_percent
