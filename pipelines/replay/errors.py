"""The error that a replay raises."""


class ReplayError(RuntimeError):
    """The replay cannot start or cannot continue."""
