"""Types of command-line arguments, for argparse."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path


def path(text: str) -> Path:
    """A path, made absolute."""
    return Path(text).absolute()


def whole(least: int) -> Callable[[str], int]:
    """Whole numbers of `least` or more."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"expected a whole number of {least} or more, received {text!r}")
        return int(text)

    return read


def minutes(text: str) -> float:
    """A length of time, fractions allowed."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected minutes, a number of more than 0, received {text!r}")
    return number
