"""Compare each group of rows that the task's scoping.toml names for fairness with all other rows."""

from typing import Any

from pipelines.evaluation.group_gaps import GroupGap
from pipelines.fairness.agreed import read_fairness
from pipelines.fairness.gaps import FairnessGaps, find_gaps
from pipelines.report.predictions import EvalPredictions

_SHOWN = 12  # gaps, at most


def describe_fairness(measured: EvalPredictions, threshold: float) -> dict[str, Any] | None:
    """Describe the gaps between groups.

    Args:
        measured: Labels, predictions and raw rows.
        threshold: Probability from which the decision is the second of two classes.

    Returns:
        None if scoping.toml names no columns for fairness. First come the gaps that are larger than agreed, then the
        clear ones, then the others, each by size.

    Raises:
        ScopingError: scoping.toml names a column or a measure that does not exist.
    """
    task = measured.task
    agreed = read_fairness(task)
    if agreed is None:
        return None
    found = find_gaps(
        agreed,
        measured.rows,
        measured.labels,
        measured.predictions,
        problem=task.problem,
        threshold=threshold,
        min_slice_rows=task.min_slice_rows,
    )
    return {
        "columns": agreed.columns,
        "reason": agreed.reason,
        "max_gap": agreed.max_gap,
        "measures": agreed.measures,
        "min_rows": found.min_rows,
        "rows": len(measured.labels),
        "compared": len(found.gaps),
        "small": found.small,
        "clear_gaps": sum(one.is_clear for one in found.gaps),
        "gaps": [
            {
                "group": one.group,
                "rows": one.rows,
                "measure": one.measure,
                "value": one.value,
                "gap": one.gap.value,
                "interval": one.gap,
                **_interpret(found, one),
            }
            for one in (*found.too_large, *(one for one in found.gaps if not found.is_too_large(one)))[:_SHOWN]
        ],
    }


def _interpret(found: FairnessGaps, one: GroupGap) -> dict[str, str]:
    if found.is_too_large(one):
        return {"word": "larger than agreed", "css_class": "bad"}
    return {"word": "clear", "css_class": "warn"} if one.is_clear else {"word": "within chance", "css_class": "quiet"}
