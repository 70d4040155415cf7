"""Suggest the closest existing name for a mistyped one."""

import difflib
from collections.abc import Iterable


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most similar to `name`; None when none is similar."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the end of an error message: "did you mean 'x'?", or the list of known names when none is similar.

    Args:
        name: the mistyped name.
        known: the existing names.

    Returns:
        The end of the message, without a full stop.

    Example:
        >>> suggestion("fares", ["fare", "company"])
        "did you mean 'fare'?"
        >>> suggestion("x", ["fare", "company"])
        'expected one of fare, company'
    """
    known = list(known)
    close = closest(name, known)
    return f"did you mean {close!r}?" if close else f"expected one of {', '.join(known)}"
