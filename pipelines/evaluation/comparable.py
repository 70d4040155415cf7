"""Check that the comparison that a task's scoping.toml agrees on can be computed."""

import dataclasses
from collections.abc import Sequence

from pipelines.evaluation.weighted_metrics import CENTRED, METRIC_OF_CLASS, metrics_of
from pipelines.task_definition.scoping import Comparison, ScopingError
from serving.did_you_mean import suggestion


def check_comparison(agreed: Comparison, problem: str, slice_columns: Sequence[str]) -> None:
    """Check that a comparison is on metrics of the problem, and on slices that are computed.

    Args:
        agreed: `success.comparison` of the task's scoping.toml.
        problem: One of pipelines.task_definition.problem.PROBLEMS.
        slice_columns: Raw columns; each of their values is a slice.

    Raises:
        ScopingError: A metric or a slice of the comparison is not computed.
    """
    of_problem = metrics_of(problem)
    known = [
        name
        for name, metric in METRIC_OF_CLASS.items()
        if metric.__name__ in of_problem and metric.__name__ not in CENTRED
    ]
    for metric in (agreed.metric, *(guard.metric for guard in agreed.others)):
        if metric not in known:
            raise ScopingError(
                f"success.comparison: no paired difference of {metric!r} is computed for this task: "
                f"{suggestion(metric, known)}"
            )
    for column in (column for guard in agreed.others for column in guard.slice):
        if column not in slice_columns:
            raise ScopingError(
                f"success.comparison: no slices by {column!r} are computed: {suggestion(column, list(slice_columns))}"
            )
    if any(len(guard.slice) > 1 for guard in agreed.others):
        raise ScopingError("success.comparison: expected one column in a slice, received several")


def without_reasons(agreed: Comparison) -> Comparison:
    """Return the comparison without its reasons, since an edit of those changes no verdict."""
    others = tuple(dataclasses.replace(guard, reason="") for guard in agreed.others)
    return dataclasses.replace(agreed, reason="", others=others)
