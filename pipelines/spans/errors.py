"""Define the error of spans."""


class SpanError(ValueError):
    """A span cannot be named, found or used. The message says what was expected, what was received and what to do."""
