"""Compare two runs' models on the same eval rows: differences of metrics with intervals, as in BetterGate."""

import dataclasses
import math
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from pipelines import nodes
from pipelines.evaluation.bootstrap import affordable_resamples, estimate_differences
from pipelines.evaluation.model_comparison import interpret
from pipelines.evaluation.row_predictions import (
    PREDICTIONS_FILE,
    RowPredictions,
    read_predictions,
    require_same_question,
)
from pipelines.evaluation.slices import OVERALL, SlicedRows, list_columns
from pipelines.evaluation.weighted_metrics import CENTRED, METRIC_OF_CLASS, Metric
from pipelines.nodes import EVAL
from pipelines.runs.errors import RunError
from pipelines.runs.run import Run

_METRICS: Mapping[str, Metric] = {metric.__name__: metric for metric in METRIC_OF_CLASS.values()}
_LOSSES = ("binary_crossentropy", "sparse_categorical_crossentropy", "mean_squared_error")  # that decide by default


@dataclasses.dataclass(frozen=True, kw_only=True)
class PairedRows:
    """The predictions of two runs' models for the same eval rows."""

    labels: np.ndarray  # [rows]
    before: np.ndarray  # [rows], or [rows, classes]
    after: np.ndarray
    slices: Mapping[str, np.ndarray]  # slice -> bool [rows]
    of: Run  # the run whose eval rows they are

    def inside(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield each slice with a mask of its rows, all rows first."""
        yield OVERALL, np.ones(len(self.labels), bool)
        yield from self.slices.items()


def read_stored_pairs(before: Run, after: Run) -> PairedRows | None:
    """Read the predictions that BetterGate stored in both runs.

    Args:
        before: the earlier run.
        after: the later run.

    Returns:
        The predictions; None if a run stored none, or the runs had different eval rows.

    Raises:
        RunError: The models predict different labels or outputs.
    """
    found = [_read_stored(run) for run in (before, after)]
    if found[0] is None or found[1] is None or found[0].rows_digest != found[1].rows_digest:
        return None
    _require_same_question(found[0], found[1], before, after)
    return PairedRows(
        labels=found[1].labels,
        before=found[0].predictions,
        after=found[1].predictions,
        slices=found[1].slices,
        of=after,
    )


def ask_both(before: Run, after: Run) -> PairedRows:
    """Predict the eval rows of the later run with both models. It loads TensorFlow.

    Args:
        before: the earlier run.
        after: the later run.

    Returns:
        The predictions.

    Raises:
        RunError: A run has no model, or the models predict different labels or outputs.
    """
    from pipelines.runs.predicted_rows import predict_rows

    slices = after.slices()
    found = after.predict_eval_rows(list_columns(slices.values()))
    label = after.task_record.label
    predicted = predict_rows(before.model(), after.record_chunks(EVAL), after.schema, label, columns=())
    earlier, later = (
        RowPredictions(rows_digest="", labels=one.labels, predictions=one.prediction_array, slices={})
        for one in (predicted, found)
    )
    _require_same_question(earlier, later, before, after)
    sliced = SlicedRows(found.rows)
    return PairedRows(
        labels=later.labels,
        before=earlier.predictions,
        after=later.predictions,
        slices={words: sliced.inside(where) for words, where in slices.items() if words != OVERALL},
        of=after,
    )


def tabulate_differences(paired: PairedRows, confidence: float = 0.95) -> pd.DataFrame:
    """Tabulate the differences of metrics: the later model's minus the earlier model's.

    Args:
        paired: the predictions of both models.
        confidence: of the intervals, between 0 and 1.

    Returns:
        Columns slice, metric, rows, difference, low, high (the interval) and word (better, worse or tie): every metric
        on all rows, and on each slice the metric that decides.
    """
    known = _known_metrics(paired.of)
    deciding = find_deciding_metric(paired.of)
    resamples = affordable_resamples(len(paired.labels))
    found = []
    for words, inside in paired.inside():
        wanted = known if words == OVERALL else {deciding: known[deciding]}
        changes = estimate_differences(
            paired.labels[inside],
            paired.after[inside],
            paired.before[inside],
            wanted,
            level=confidence,
            resamples=resamples,
        )
        for name, one in changes.items():
            word = "" if name in CENTRED else interpret(name, one)
            found.append((words, name, int(inside.sum()), one.value, one.low, one.high, word))
    return pd.DataFrame(found, columns=["slice", "metric", "rows", "difference", "low", "high", "word"])


def find_deciding_metric(run: Run) -> str:
    """Return the metric that decides which model is better: BetterGate's, or else the loss.

    Raises:
        RunError: The run has no metric whose paired difference can be computed.
    """
    agreed = run.summary["comparison"]
    if agreed and agreed["differences"]:
        return str(agreed["differences"][0]["metric"])
    known = _known_metrics(run)
    for name in (*_LOSSES, *known):
        if name in known:
            return name
    raise RunError(f"run {run.id} has no metric with a paired difference: expected one of {', '.join(_METRICS)}")


def measure_differences(paired: PairedRows) -> dict[tuple[str, str], float]:
    """Return each known metric's difference on each slice, without intervals: (slice, metric) -> difference."""
    found = {}
    for words, inside in paired.inside():
        once = np.ones((1, int(inside.sum())))
        for name, metric in _known_metrics(paired.of).items():
            sides = [metric(paired.labels[inside], side[inside], once)[0] for side in (paired.after, paired.before)]
            if math.isfinite(sides[0] - sides[1]):
                found[words, name] = float(sides[0] - sides[1])
    return found


def _require_same_question(earlier: RowPredictions, later: RowPredictions, before: Run, after: Run) -> None:
    try:
        require_same_question(earlier, later)
    except ValueError as error:
        raise RunError(f"the model of {before.id} cannot be compared with that of {after.id}: {error}") from error


def _known_metrics(run: Run) -> dict[str, Metric]:
    measured = run.summary["metrics"].get(OVERALL, {})
    return {name: metric for name, metric in _METRICS.items() if name in measured}


def _read_stored(run: Run) -> RowPredictions | None:
    node = next((node for node in run.summary["nodes"] if node["id"] == nodes.BETTER_GATE), None)
    if node is None or "comparison" not in node["outputs"]:
        return None
    folder = run.artifact(nodes.BETTER_GATE, "comparison")
    return read_predictions(folder) if (folder / PREDICTIONS_FILE).is_file() else None
