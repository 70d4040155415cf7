"""Whether a model is better than those pushed before, on the same rows: what was agreed, held against what was found.

One metric decides. Its paired difference from the model pushed last, with an interval, says better, worse, or that the
two cannot be told apart: a tie. Other metrics, and the best of the last versions, must be no worse than their margins
allow. A margin is kept where the whole interval lies on its good side, so that "no worse" is shown and not assumed.
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
NOT_COMPARED = "not compared"  # outcome: the model pushed before cannot be asked on these rows
REPORT_FILE = "report.json"
LAST, BEST = "last", "best"  # what a model is compared with: the version pushed last, the best of the last few


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """One metric of a model less that of another one, on the same rows."""

    metric: str  # as pipelines.evaluation.weighted_metrics calls it
    slice: str  # in words
    rows: int
    against: str  # LAST or BEST
    model: str  # folder of that model
    value: float  # in the metric's own unit; NaN: undefined on these rows
    low: float  # of the interval
    high: float
    margin: float  # how much worse is allowed
    word: str  # BETTER, WORSE or TIE
    within_margin: bool  # whether the whole interval is no worse than the margin allows
    decides: bool = False  # whether its word is the model's


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelComparison:
    """How a model compares with those pushed before."""

    outcome: str  # BETTER, WORSE, TIE, FIRST or NOT_COMPARED
    within_margins: bool  # of all differences
    confidence: float
    differences: tuple[Difference, ...] = ()  # the deciding one first
    why_not: str = ""  # why it was not compared
    same_rows: bool = True  # whether the model pushed last was judged on these very rows before its own push
    looked_at: int = 0  # versions among which the best was found


def compare_models(
    agreed: Comparison,
    candidate: RowPredictions,
    earlier: Mapping[str, np.ndarray],
    *,
    min_slice_rows: int = 1,
    same_rows: bool = True,
) -> ModelComparison:
    """Compare a model with those pushed before.

    Args:
        agreed: what it has to be.
        candidate: its predictions, with labels and slices.
        earlier: folder of a model -> its predictions for the same rows, the one pushed last first.
        min_slice_rows: a guarded slice of fewer rows says nothing.
        same_rows: see ModelComparison.
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
    if best != last:  # else its own margin is the wider one, and nothing is added
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
    """Return what a difference means: BETTER, WORSE, or TIE where the interval holds 0 or is undefined."""
    if metric in CENTRED or not (interval.low > 0 or interval.high < 0):
        return TIE
    return BETTER if (interval.low > 0) != (metric in SMALLER_IS_BETTER) else WORSE


def comparison_as_dict(found: ModelComparison) -> dict[str, Any]:
    """Return the comparison as JSON can hold it: what is no finite number becomes null."""
    record = dataclasses.asdict(found)
    for one in record["differences"]:
        one |= {name: one[name] if math.isfinite(one[name]) else None for name in ("value", "low", "high")}
    return record


def comparison_from_dict(record: Mapping[str, Any]) -> ModelComparison:
    """Return the comparison that `comparison_as_dict` was given."""
    numbers = ("value", "low", "high")
    differences = tuple(
        Difference(**one | {name: math.nan if one[name] is None else one[name] for name in numbers})
        for one in record["differences"]
    )
    return ModelComparison(**{**record, "differences": differences})


def _judge(found: list[Difference]) -> str:
    """Return the outcome: the deciding word, unless something else is worse by more than its margin may allow."""
    if found[0].word == WORSE or any(one.word == WORSE and not one.within_margin for one in found):
        return WORSE
    # Better in what decides, and perhaps worse elsewhere by more than was agreed: that is no improvement yet.
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
    """Return the folder of the best of the models by the deciding metric; of equals the one pushed last."""
    metric = METRIC_OF_CLASS[metric_class]
    sign = -1 if metric.__name__ in SMALLER_IS_BETTER else 1
    once = np.ones((1, len(labels)))
    scores = {model: sign * float(metric(labels, found, once)[0]) for model, found in earlier.items()}
    return max(scores, key=lambda model: scores[model] if math.isfinite(scores[model]) else -math.inf)
