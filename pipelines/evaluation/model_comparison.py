"""Decide whether a model is better than those pushed before, on the same rows, as agreed in the task's scoping.toml.

One metric decides. The interval of its paired difference from the model pushed last says whether the model is better,
worse, or not distinguishable: a tie. In other metrics, and compared with the best of the last versions, the model may
be worse by a margin at most. A margin is met if the whole interval is within it, so "no worse" is shown, not assumed.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.evaluation.bootstrap import Interval, affordable_resamples, estimate_differences
from pipelines.evaluation.row_predictions import RowPredictions
from pipelines.evaluation.slices import OVERALL, slice_in_words
from pipelines.evaluation.weighted_metrics import CENTRED, METRIC_OF_CLASS, SMALLER_IS_BETTER
from pipelines.task_definition.scoping import Comparison, Guard

BETTER, WORSE, TIE = "better", "worse", "tie"
FIRST = "first"  # outcome: no model was pushed before
NOT_COMPARED = "not compared"  # outcome: the model pushed before cannot predict these rows
REPORT_FILE = "report.json"
LAST, BEST = "last", "best"  # a model is compared with the version pushed last, and with the best of the last few


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """One metric of the new model minus that of an earlier one, on the same rows."""

    metric: str  # name in pipelines.evaluation.weighted_metrics
    slice: str  # in words
    rows: int
    against: str  # LAST or BEST
    model: str  # folder of the earlier model
    value: float  # in the metric's own unit; NaN if undefined on these rows
    low: float  # lower end of the interval
    high: float
    margin: float  # how much worse the new model may be
    word: str  # BETTER, WORSE or TIE
    within_margin: bool  # whether the whole interval is within the margin
    decides: bool = False  # whether this is the deciding metric


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelComparison:
    """The comparison of a model with those pushed before."""

    outcome: str  # BETTER, WORSE, TIE, FIRST or NOT_COMPARED
    within_margins: bool  # whether all differences are
    confidence: float  # level of the intervals
    differences: tuple[Difference, ...] = ()  # the deciding one first
    why_not: str = ""  # why it was not compared
    same_rows: bool = True  # whether the model pushed last was evaluated on the same rows before its own push
    looked_at: int = 0  # earlier versions that were compared


def compare_models(
    agreed: Comparison,
    candidate: RowPredictions,
    earlier: Mapping[str, np.ndarray],
    *,
    min_slice_rows: int = 1,
    same_rows: bool = True,
) -> ModelComparison:
    """Return the comparison of a model with those pushed before.

    Args:
        agreed: `success.comparison` of scoping.toml.
        candidate: The new model's predictions, with labels and slices.
        earlier: Folder of each earlier model -> its predictions for the same rows, the one pushed last first.
        min_slice_rows: A guarded slice with fewer rows is undefined.
        same_rows: See ModelComparison.
    """
    if not earlier:
        return ModelComparison(outcome=FIRST, within_margins=True, confidence=agreed.confidence)
    last = next(iter(earlier))
    deciding = Guard(metric=agreed.metric, not_worse_than=agreed.not_worse_than, reason="")
    found = [
        dataclasses.replace(_compare(deciding, agreed.confidence, candidate, LAST, last, earlier[last]), decides=True)
    ]
    for guard in agreed.others:
        found.append(_compare(guard, agreed.confidence, candidate, LAST, last, earlier[last], min_slice_rows))
    best = _find_best(agreed.metric, candidate.labels, earlier)
    with_best = Guard(metric=agreed.metric, not_worse_than=agreed.not_worse_than_best, reason="")
    if best != last:  # otherwise the margin for the last model, which is the narrower one, covers it
        found.append(_compare(with_best, agreed.confidence, candidate, BEST, best, earlier[best]))
    return ModelComparison(
        outcome=_judge(found),
        within_margins=all(one.within_margin for one in found),
        confidence=agreed.confidence,
        differences=tuple(found),
        same_rows=same_rows,
        looked_at=len(earlier),
    )


def interpret(metric: str, interval: Interval) -> str:
    """Return whether a difference is BETTER, WORSE, or a TIE, whose interval contains 0 or is undefined.

    Example:
        >>> interpret("auc", Interval(value=0.02, low=0.01, high=0.03))
        'better'
        >>> interpret("mean_squared_error", Interval(value=0.02, low=-0.01, high=0.05))
        'tie'
    """
    if metric in CENTRED or not (interval.low > 0 or interval.high < 0):
        return TIE
    return BETTER if (interval.low > 0) != (metric in SMALLER_IS_BETTER) else WORSE


def comparison_as_dict(found: ModelComparison) -> dict[str, Any]:
    """Return the comparison as a dict for JSON, in which infinite numbers and NaN are null."""
    record = dataclasses.asdict(found)
    for one in record["differences"]:
        one |= {name: one[name] if math.isfinite(one[name]) else None for name in ("value", "low", "high")}
    return record


def comparison_from_dict(record: Mapping[str, Any]) -> ModelComparison:
    """Return the comparison from the dict of `comparison_as_dict`; null becomes NaN."""
    numbers = ("value", "low", "high")
    differences = tuple(
        Difference(**one | {name: math.nan if one[name] is None else one[name] for name in numbers})
        for one in record["differences"]
    )
    return ModelComparison(**{**record, "differences": differences})


def _judge(found: list[Difference]) -> str:
    """Return the outcome: that of the deciding metric, unless another is worse by more than its margin."""
    if found[0].word == WORSE or any(one.word == WORSE and not one.within_margin for one in found):
        return WORSE
    # Better in the deciding metric, but possibly worse than a margin in another, is a tie.
    return BETTER if found[0].word == BETTER and all(one.within_margin for one in found) else TIE


def _compare(
    guard: Guard,
    confidence: float,
    candidate: RowPredictions,
    against: str,
    model: str,
    predictions: np.ndarray,
    min_rows: int = 1,
) -> Difference:
    metric, where = METRIC_OF_CLASS[guard.metric], slice_in_words(tuple(guard.slice.items()))
    inside = np.ones(len(candidate.labels), bool) if where == OVERALL else candidate.slices.get(where)
    rows = 0 if inside is None else int(inside.sum())
    interval = Interval(value=math.nan, low=math.nan, high=math.nan)
    if inside is not None and rows >= max(min_rows, 1):
        found = estimate_differences(
            candidate.labels[inside],
            candidate.predictions[inside],
            predictions[inside],
            {metric.__name__: metric},
            level=confidence,
            resamples=affordable_resamples(len(candidate.labels)),
        )
        interval = found[metric.__name__]
    name = metric.__name__
    within = (
        interval.high <= guard.not_worse_than if name in SMALLER_IS_BETTER else interval.low >= -guard.not_worse_than
    )
    return Difference(
        metric=name,
        slice=where,
        rows=rows,
        against=against,
        model=model,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        margin=guard.not_worse_than,
        word=interpret(name, interval),
        within_margin=bool(within),
    )


def _find_best(metric_class: str, labels: np.ndarray, earlier: Mapping[str, np.ndarray]) -> str:
    """Return the folder of the best model by the deciding metric; of equally good ones, the one pushed last."""
    metric = METRIC_OF_CLASS[metric_class]
    sign = -1 if metric.__name__ in SMALLER_IS_BETTER else 1
    once = np.ones((1, len(labels)))
    scores = {model: sign * float(metric(labels, found, once)[0]) for model, found in earlier.items()}
    return max(scores, key=lambda model: scores[model] if math.isfinite(scores[model]) else -math.inf)
