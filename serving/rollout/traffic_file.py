"""The share of requests that goes to the canary, in a file that the gateway reads again when it changes."""

import json
from pathlib import Path

from serving import durable_file
from serving.rollout.errors import PreconditionError

NAME = "traffic.json"  # beside models.config
_KEY = "canary_percent"


def read(path: Path) -> float:
    """Percent of requests, 0 to 100, that go to the label canary; 0 without a file.

    Raises:
        PreconditionError: The file does not say so.
    """
    try:
        percent = json.loads(path.read_text(encoding="utf-8"))[_KEY]
        valid = isinstance(percent, int | float) and not isinstance(percent, bool) and 0 <= percent <= 100
    except FileNotFoundError:
        return 0
    except (ValueError, TypeError, KeyError):
        valid = False
    if not valid:
        raise PreconditionError(
            f'{path} does not say which share goes to the canary: expected {{"{_KEY}": 0 to 100}}, received '
            f"{path.read_text(encoding='utf-8', errors='replace')[:100]!r}; mend or remove the file."
        )
    return float(percent)


def write(path: Path, percent: float) -> None:
    """Sets the percent of requests, 0 to 100, that go to the label canary."""
    durable_file.write_whole(path, json.dumps({_KEY: percent}) + "\n")
