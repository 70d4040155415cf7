"""Compare a prototype with the production model on the same rows, with confidence intervals."""

import dataclasses
import math
from collections.abc import Iterator, Mapping

import altair as alt
import numpy as np
import pandas as pd
import tensorflow_model_analysis as tfma

from notebooks.problem_kinds import SLICE_METRIC, Predictions
from pipelines.charts.theme import REFERENCE
from pipelines.evaluation import bootstrap, weighted_metrics
from pipelines.evaluation.bootstrap import LEVEL, Interval
from pipelines.evaluation.slices import OVERALL, Slice, in_slice, slice_in_words
from pipelines.evaluation.weighted_metrics import Metric
from pipelines.task_definition.problem import BINARY
from pipelines.task_definition.task import Task

BETTER, WORSE, EVEN = "better", "worse", "no clear difference"
_COLORS = ("#18794e", "#c4560a", "#6b7280")  # of BETTER, WORSE, EVEN
_LEAST_LABELS = 10  # rows in a slice, of two classes of each: a resample without one of the classes has no metric


def calibration_error(labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute |mean prediction / mean label - 1|. The arguments are those of pipelines.evaluation.weighted_metrics."""
    return np.abs(weighted_metrics.calibration(labels, predictions, weights) - 1)


_SMALLER = weighted_metrics.SMALLER_IS_BETTER | {"calibration_error"}


def list_metrics(problem: str) -> dict[str, Metric]:
    """Return the metrics of a problem by name. Metrics whose best value is 1 become their distance from 1."""
    known = weighted_metrics.metrics_of(problem)
    better = {name: metric for name, metric in known.items() if name not in weighted_metrics.CENTRED}
    return better | ({"calibration_error": calibration_error} if len(better) < len(known) else {})


def tabulate_metrics(labels: np.ndarray, models: Predictions, problem: str) -> pd.DataFrame:
    """Return a table of each model's metrics with 95% intervals: one row per metric, one column per model.

    Args:
        labels: [rows].
        models: model -> its predictions.
        problem: one of pipelines.task_definition.problem.PROBLEMS.
    """
    metrics = list_metrics(problem)
    found = {name: bootstrap.estimate_intervals(labels, predictions, metrics) for name, predictions in models.items()}
    return pd.DataFrame(
        {name: {metric: _format_interval(interval) for metric, interval in of.items()} for name, of in found.items()}
    )


def compare_metrics(labels: np.ndarray, prototype: np.ndarray, production: np.ndarray, problem: str) -> pd.DataFrame:
    """Compare each metric of prototype and production model on the same resamples of the rows.

    Args:
        labels: [rows].
        prototype: predictions, [rows] or [rows, classes].
        production: likewise.
        problem: one of pipelines.task_definition.problem.PROBLEMS.

    Returns:
        Columns metric, difference (prototype minus production), low and high (the 95% interval), and outcome: BETTER,
        WORSE, or EVEN if the interval holds 0.
    """
    found = bootstrap.estimate_differences(labels, prototype, production, list_metrics(problem))
    return pd.DataFrame(
        [
            {"metric": name, "difference": one.value, "low": one.low, "high": one.high, "outcome": _judge(name, one)}
            for name, one in found.items()
        ]
    )


def compare_slices(
    rows: pd.DataFrame,
    labels: np.ndarray,
    prototype: np.ndarray,
    production: np.ndarray,
    slices: Mapping[str, Slice],
    problem: str,
) -> pd.DataFrame:
    """Compare prototype and production model in each slice by problem_kinds.SLICE_METRIC; all rows come first.

    Args:
        rows: raw rows.
        labels: [rows].
        prototype: predictions, [rows] or [rows, classes].
        production: likewise.
        slices: by name, as Run.slices returns them. A slice with fewer than 10 rows is left out; with two classes, also
            one with fewer than 10 rows of either class.
        problem: one of pipelines.task_definition.problem.PROBLEMS.

    Returns:
        Columns slice, rows, value (the difference), low and high (its 95% interval), and outcome. `charts.plot_slices`
        accepts them. The best slices for the prototype come first.
    """
    found, metric = [], SLICE_METRIC[problem]
    of_slice = {metric: list_metrics(problem)[metric]}
    for name, where in slices.items():
        inside = in_slice(rows, where)
        of_each = [(labels[inside] > 0).sum(), (labels[inside] <= 0).sum()] if problem == BINARY else [inside.sum()]
        if min(of_each) < _LEAST_LABELS:
            continue
        one = bootstrap.estimate_differences(labels[inside], prototype[inside], production[inside], of_slice)[metric]
        values = {"value": one.value, "low": one.low, "high": one.high, "outcome": _judge(metric, one)}
        found.append({"slice": name, "rows": int(inside.sum()), **values})
    order = [True, metric in _SMALLER]
    table = pd.DataFrame(found).assign(part=lambda frame: frame["slice"] != OVERALL)
    return table.sort_values(["part", "value"], ascending=order).drop(columns="part").reset_index(drop=True)


def plot_differences(found: pd.DataFrame) -> alt.FacetChart:
    """Plot the table of `compare_metrics`: one row per metric, each with its own scale and a line at 0."""
    chart = alt.Chart(found.assign(zero=0.0))
    base = chart.encode(y=alt.Y("metric:N", title=None, axis=None))
    x = alt.X("low:Q", title=None, scale=alt.Scale(nice=False, padding=14), axis=alt.Axis(tickCount=5))
    color = alt.Color("outcome:N", scale=alt.Scale(domain=[BETTER, WORSE, EVEN], range=_COLORS))
    spread = base.mark_rule().encode(x=x, x2="high:Q", color=color)
    point = base.mark_point(filled=True, size=60, opacity=1).encode(x="difference:Q", color=color)
    zero = chart.mark_rule(style=REFERENCE).encode(x="zero:Q")
    layers = alt.layer(zero, spread, point).properties(width=440, height=24)
    header = alt.Header(labelAngle=0, labelAlign="left", labelFontSize=12, title=None)
    rows = alt.Row("metric:N", sort=list(found["metric"]), header=header)
    return layers.facet(row=rows, spacing=8).resolve_scale(x="independent", y="independent")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ThresholdCheck:
    """A threshold of the task and whether a model meets it."""

    sentence: str  # `auc on overall: 0.9580, agreed at least 0.94`
    met: bool


def check_thresholds(
    task: Task, rows: pd.DataFrame, labels: np.ndarray, predictions: np.ndarray
) -> list[ThresholdCheck]:
    """Check predictions against the value thresholds in the task's EvalConfig.

    Only thresholds on metrics of weighted_metrics are checked, and only on slices that have rows. It is an estimate:
    the Evaluator decides on the blessing with TFMA's values.

    Args:
        task: whose EvalConfig has the thresholds.
        rows: raw rows.
        labels: [rows].
        predictions: [rows] or [rows, classes].

    Returns:
        One check for each threshold, in the order of the EvalConfig.
    """
    found, known = [], weighted_metrics.metrics_of(task.problem)
    for metric, where, low, high in _read_thresholds(task):
        inside = in_slice(rows, where)
        if metric not in known or not inside.any():
            continue
        value = float(known[metric](labels[inside], predictions[inside], np.ones((1, int(inside.sum()))))[0])
        bounds = [f"at least {low:g}"] * math.isfinite(low) + [f"at most {high:g}"] * math.isfinite(high)
        sentence = f"{metric} on {slice_in_words(where)}: {value:.4f}, agreed {' and '.join(bounds)}"
        found.append(ThresholdCheck(sentence=sentence, met=low <= value <= high))
    return found


def write_verdict(
    name: str, found: pd.DataFrame, per_slice: pd.DataFrame, thresholds: list[ThresholdCheck], rows: int
) -> str:
    """Return the summary for a reviewer as Markdown.

    Args:
        name: of the prototype.
        found: the table that `compare_metrics` returned.
        per_slice: the table that `compare_slices` returned.
        thresholds: the checks that `check_thresholds` returned.
        rows: number of eval rows.
    """
    outcomes = {kind: found[found["outcome"] == kind] for kind in (BETTER, WORSE, EVEN)}
    missed = [one.sentence for one in thresholds if not one.met]
    slices = per_slice[per_slice["slice"] != OVERALL]
    lines = [
        f"**{_conclude(name, outcomes, missed)}**",
        "",
        f"{name} against production, on the same {rows:,} eval rows ({LEVEL:.0%} intervals, paired):",
        "",
        *(f"- {kind}: {_list_metrics(table)}" for kind, table in outcomes.items()),
        f"- agreed thresholds: {'all met' if not missed else 'missed: ' + '; '.join(missed)}",
    ]
    for kind in (BETTER, WORSE):
        names = slices[slices["outcome"] == kind]["slice"]
        lines.append(f"- slices in which it is {kind}: {', '.join(names) or 'none'}, of {len(slices)}")
    expected = (1 - LEVEL) * len(slices)
    lines.append(f"- of so many slices, {expected:.1f} would differ by chance alone: look for a reason before you act")
    return "\n".join(lines)


def _conclude(name: str, outcomes: Mapping[str, pd.DataFrame], missed: list[str]) -> str:
    better, worse = (not outcomes[kind].empty for kind in (BETTER, WORSE))
    if missed:
        return f"Keep the production model: {name} misses what was agreed."
    if better and worse:
        return f"A person has to weigh it: {name} is better in one respect and worse in another."
    if better:
        return f"Take {name} further: it is better by more than chance, and no measured metric is worse."
    if worse:
        return f"Keep the production model: {name} is worse by more than chance, and no metric is better."
    return f"Keep the production model: these rows show no clear difference between {name} and it."


def _read_thresholds(task: Task) -> Iterator[tuple[str, Slice, float, float]]:
    """Yield metric, slice, lower and upper bound of each value threshold on a single slice, as TFMA reads them."""
    config = task.make_eval_config()
    found = tfma.metrics.metric_thresholds_from_metrics_specs(config.metrics_specs, eval_config=config)
    for key, bounds in found.items():
        for spec, bound in bounds:
            if not hasattr(bound, "lower_bound") or (spec is not None and spec.feature_keys):
                continue
            low = bound.lower_bound.value if bound.HasField("lower_bound") else -np.inf
            high = bound.upper_bound.value if bound.HasField("upper_bound") else np.inf
            yield key.name, tuple(sorted(spec.feature_values.items())) if spec else (), low, high


def _judge(metric: str, one: Interval) -> str:
    if not (one.low > 0 or one.high < 0):  # also when the bounds are NaN
        return EVEN
    return WORSE if (one.low > 0) == (metric in _SMALLER) else BETTER


def _format_interval(interval: Interval) -> str:
    return f"{interval.value:.4f} ({interval.low:.4f} to {interval.high:.4f})"


def _list_metrics(table: pd.DataFrame) -> str:
    rows = table.itertuples()
    return (
        "; ".join(f"{row.metric} {row.difference:+.4f} ({row.low:+.4f} to {row.high:+.4f})" for row in rows) or "none"
    )
