"""Groups that the task's scoping names as ones that a model may harm, each against all other rows."""

from typing import Any

from pipelines.evaluation.group_gaps import GroupGap, measure_gaps
from pipelines.evaluation.slices import SlicedRows
from pipelines.report.predictions import EvalPredictions
from pipelines.runs.errors import RunError
from pipelines.task_definition.scoping import read_scoping
from pipelines.yardstick.models import sample_rows

_MOST_ROWS = 50_000  # that are looked at, evenly spread: each is drawn in every resample
_SHOWN = 12  # gaps of a column at most, the largest first


def describe_fairness(measured: EvalPredictions, threshold: float) -> dict[str, Any] | None:
    """Describe the gaps between groups; None where scoping.toml names no column.

    Args:
        measured: labels, predictions and raw rows.
        threshold: from which on two classes are decided for the second.

    Raises:
        RunError: scoping.toml names a column that the rows do not have.
    """
    task = measured.task
    agreed = read_scoping(task.scoping).fairness if task.scoping else None
    if agreed is None:
        return None
    if unknown := [name for name in agreed.columns if name not in measured.rows]:
        known = ", ".join(map(str, measured.rows.columns))
        raise RunError(
            f"{task.scoping}: [fairness] expected columns of the rows, one of {known}; received {unknown[0]!r}"
        )
    chosen = sample_rows(len(measured.labels), _MOST_ROWS)
    rows = measured.rows.iloc[chosen]
    sliced = SlicedRows(rows)
    groups = {
        f"{name} = {value}": sliced.inside(((name, str(value)),))
        for name in agreed.columns
        for value in rows[name].dropna().unique()
    }
    min_rows = max(task.min_slice_rows, agreed.min_rows)
    gaps = measure_gaps(
        task.problem,
        measured.labels[chosen],
        measured.predictions[chosen],
        groups,
        threshold=threshold,
        min_rows=min_rows,
        resamples=measured.resamples,
    )
    gaps.sort(key=lambda one: (not one.is_clear, -abs(one.gap.value)))
    return {
        "columns": agreed.columns,
        "reason": agreed.reason,
        "max_gap": agreed.max_gap,
        "min_rows": min_rows,
        "rows": len(chosen),
        "compared": len(gaps),
        "small": len(groups) - len({one.group for one in gaps}),
        "clear_gaps": sum(one.is_clear for one in gaps),
        "gaps": [
            {
                "group": one.group,
                "rows": one.rows,
                "measure": one.measure,
                "value": one.value,
                "gap": one.gap.value,
                "interval": one.gap,
                **_interpret(one, agreed.max_gap),
            }
            for one in gaps[:_SHOWN]
        ],
    }


def _interpret(one: GroupGap, max_gap: float | None) -> dict[str, str]:
    if max_gap is not None and one.is_clear and abs(one.gap.value) > max_gap:
        return {"word": "larger than agreed", "css_class": "bad"}
    return {"word": "clear", "css_class": "warn"} if one.is_clear else {"word": "within chance", "css_class": "quiet"}
