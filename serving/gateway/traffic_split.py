"""The share of requests, or of callers, that goes to the canary, as the roll-out wrote it last.

The file holds `{"canary_percent": 10}`; no file means 0.
"""

import random
from pathlib import Path

from serving import traffic_file
from serving.gateway.sticky import percentile
from serving.gateway.watched_file import WatchedFile


class TrafficSplit:
    """Chooses between stable and canary by the share in the file: for a known caller always alike, else by lot.

    Args:
        path: the file; None: nothing ever goes to the canary.
        draw: the source of chance.
        salt: as percentile() takes it; the task's name.

    Raises:
        ValueError: The file does not say a percentage.
        OSError: The file cannot be read.
    """

    def __init__(self, path: Path | None, draw: random.Random | None = None, salt: str = ""):
        self._file = WatchedFile(path, traffic_file.parse, absent=0.0) if path else None
        self._draw = draw or random.Random()
        self._salt = salt

    @property
    def canary_percent(self) -> float:
        """How many percent of the requests go to the canary now."""
        return self._file.value if self._file else 0.0

    def canary(self, caller: str | None = None) -> bool:
        """Whether this request goes to the canary.

        Args:
            caller: what the caller is known by; None: not known, and chance decides.
        """
        place = self._draw.random() * 100 if caller is None else percentile(self._salt, caller)
        return place < self.canary_percent
