"""Describe what a simple model reaches: the constant and the yardsticks in the same measures."""

from collections.abc import Sequence

from pipelines.evaluation.measures import measures_of
from pipelines.evaluation.readable_numbers import format_readable


def describe_reached(problem: str, values: Sequence[float]) -> str:
    """Return the values of the problem's measures, in their order, with three significant digits.

    Example:
        >>> from pipelines.task_definition.problem import REGRESSION
        >>> describe_reached(REGRESSION, (65.32, 203_456))
        'mean absolute error 65.3, mean squared error 203,000'
    """
    return ", ".join(
        f"{measure.label} {format_readable(float(f'{value:.3g}'), 3)}"
        for measure, value in zip(measures_of(problem), values, strict=True)
    )
