"""The error of this room."""


class DataVersionError(RuntimeError):
    """Data cannot be pinned or restored. The message says what was expected, what was received and what to do."""
