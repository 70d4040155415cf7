"""The error of this package."""


class ReplayError(RuntimeError):
    """The replay cannot begin, or cannot go on."""
