"""Help for a mistyped name: the closest name that exists."""

import difflib
from collections.abc import Iterable


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like `name`; None when none is alike."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the end of an error message: "did you mean 'x'?", or the list of known names when none is alike."""
    known = list(known)
    close = closest(name, known)
    return f"did you mean {close!r}?" if close else f"expected one of {', '.join(known)}"
