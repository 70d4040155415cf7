"""The error of this package."""


class ProductionMetricsError(ValueError):
    """Production metrics cannot be made of this log, task or run."""
