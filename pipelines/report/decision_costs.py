"""Describe the cost of the gateway's decisions, if scoping.toml gives the costs of a false alarm and a miss."""

from typing import Any

from pipelines import charts
from pipelines.evaluation.decision_costs import sweep_costs
from pipelines.report.predictions import EvalPredictions
from pipelines.report.vega import make_figure
from pipelines.task_definition.problem import BINARY
from pipelines.task_definition.scoping import read_scoping
from pipelines.yardstick.models import sample_rows

_MOST_ROWS = 20_000  # evenly spread; more would take long, since every threshold is tried on every row


def describe_decision_costs(measured: EvalPredictions, threshold: float) -> dict[str, Any] | None:
    """Describe the cost at each threshold, and propose one.

    Args:
        measured: Labels and predictions.
        threshold: The gateway's decision threshold.

    Returns:
        None if scoping.toml gives no costs.
    """
    task = measured.task
    costs = read_scoping(task.scoping).costs if task.scoping and task.problem == BINARY else None
    if costs is None:
        return None
    chosen = sample_rows(len(measured.labels), _MOST_ROWS)
    sweep = sweep_costs(
        measured.labels[chosen],
        measured.predictions[chosen],
        false_alarm=costs.false_alarm,
        miss=costs.miss,
        threshold=threshold,
        resamples=measured.resamples,
    )
    best = sweep.best
    lines = "Solid line: the cheapest threshold, with its 95% interval. Dashed line: the gateway's threshold."
    return {
        "false_alarm": costs.false_alarm,
        "miss": costs.miss,
        "reason": costs.reason,
        "best": best,
        "now": threshold,
        "cost_now": sweep.cost_now,
        "cost_best": sweep.cost_best,
        "saving": sweep.saving,
        "is_proposed": sweep.saving.low > 0 and not best.low <= threshold <= best.high,
        "settings": f"serving/gateway/{task.name}.toml",
        "line": f"threshold = {best.value:g}",
        "figure": make_figure(
            "Cost of a decision by threshold",
            charts.plot_costs(sweep.thresholds, sweep.costs, best.value, best.low, best.high, threshold),
            f"{len(chosen):,} eval rows. {lines}",
        ),
    }
