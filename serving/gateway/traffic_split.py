"""The share of requests that goes to the canary, as the roll-out wrote it last.

The file holds `{"canary_percent": 10}`; no file means 0.
"""

import json
import random
from pathlib import Path

from serving.gateway.watched_file import WatchedFile


class TrafficSplit:
    """Chooses between stable and canary at random, by the share in the file.

    Args:
        path: the file; None: nothing ever goes to the canary.
        draw: the source of chance.

    Raises:
        ValueError: The file does not say a percentage.
        OSError: The file cannot be read.
    """

    def __init__(self, path: Path | None, draw: random.Random | None = None):
        self._file = WatchedFile(path, percent, absent=0.0) if path else None
        self._draw = draw or random.Random()

    @property
    def canary_percent(self) -> float:
        """How many percent of the requests go to the canary now."""
        return self._file.value if self._file else 0.0

    def canary(self) -> bool:
        """Whether this request goes to the canary."""
        return self._draw.random() * 100 < self.canary_percent


def percent(text: str) -> float:
    """Reads the percentage in the file's text.

    Raises:
        ValueError: There is none from 0 to 100.
    """
    try:
        found = json.loads(text)
        value = found["canary_percent"]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f'expected {{"canary_percent": 10}}, received {text[:80]!r}') from error
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise ValueError(f"canary_percent: expected a number from 0 to 100, received {value!r}")
    return float(value)
