"""What is wrong with an engine."""


class EngineError(ValueError):
    """An engine cannot be used as it was asked for."""
