"""Read and write traffic.json, the percent of requests that go to the canary. The roll-out writes it.

The gateway reads it.
"""

import json

NAME = "traffic.json"  # in the folder of models.config
_KEY = "canary_percent"


def parse(text: str) -> float:
    """Parse the file's text.

    Args:
        text: JSON.

    Returns:
        The percent, 0 to 100.

    Raises:
        ValueError: The text holds no such number.

    Example:
        >>> parse('{"canary_percent": 10}')
        10.0
    """
    try:
        percent = json.loads(text)[_KEY]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f'expected {{"{_KEY}": 10}}, received {text[:80]!r}') from error
    if isinstance(percent, bool) or not isinstance(percent, int | float) or not 0 <= percent <= 100:
        raise ValueError(f"{_KEY}: expected a number from 0 to 100, received {percent!r}")
    return float(percent)


def text(percent: float) -> str:
    """Return the file's text for a percent, 0 to 100."""
    return json.dumps({_KEY: percent}) + "\n"
