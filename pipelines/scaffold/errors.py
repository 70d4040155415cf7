"""The error that `new-task` raises."""


class ScaffoldError(ValueError):
    """No task can be made from these rows. The message says what was expected, what was received and what to do."""
