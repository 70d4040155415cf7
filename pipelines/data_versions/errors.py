"""The error that pinning and restoring data raise."""


class DataVersionError(RuntimeError):
    """Data cannot be pinned or restored. The message says what was expected, what was received and what to do."""
