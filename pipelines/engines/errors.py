"""Define the error of engines."""


class EngineError(ValueError):
    """An engine cannot be used with its settings, or its cluster does not answer."""
