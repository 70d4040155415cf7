"""What a new task can fail with."""


class ScaffoldError(ValueError):
    """No task can be made of this. The message says what was expected, what was received and what to do."""
