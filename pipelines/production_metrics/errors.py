"""The error of this package."""


class ProductionMetricsError(ValueError):
    """Production metrics cannot be made of this log, task or run."""


class UnjudgedKindError(ProductionMetricsError):
    """The log is of a kind of task whose metrics are not measured: several classes, or a regression."""
