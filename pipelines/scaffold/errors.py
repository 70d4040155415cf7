"""The error of everything that makes a new task."""


class ScaffoldError(ValueError):
    """No task can be made from these rows. The message says what was expected, what was received and what to do."""
