"""The error of this package."""


class ProductionMetricsError(ValueError):
    """Production metrics cannot be measured with this log, feedback, task or run."""
