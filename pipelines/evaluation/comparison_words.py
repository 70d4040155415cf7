"""Describe BetterGate's comparison in words."""

import math
from collections.abc import Mapping
from typing import Any

from pipelines.evaluation.model_comparison import (
    BEST,
    BETTER,
    FIRST,
    NOT_COMPARED,
    TIE,
    WORSE,
    Difference,
    ModelComparison,
    comparison_as_dict,
)
from pipelines.evaluation.readable_numbers import format_readable
from pipelines.evaluation.slices import OVERALL
from pipelines.evaluation.weighted_metrics import SMALLER_IS_BETTER

_WORDS = {BETTER: "better than", WORSE: "worse than", TIE: "not distinguishable from"}


def describe_outcome(found: ModelComparison, names: Mapping[str, str]) -> str:
    """Return the outcome in one line.

    Args:
        found: The comparison.
        names: Folder of each earlier model -> the version that it was pushed as.
    """
    if found.outcome == FIRST and names:
        newest = max(names.values(), key=int)
        return f"no model pushed before is left, the newest was {newest}: NOTHING was compared"
    if found.outcome == FIRST:
        return "no model was pushed before: nothing to compare with"
    if found.outcome == NOT_COMPARED:
        return f"the model pushed before cannot predict these rows: {found.why_not}"
    decisive = _find_decisive(found)
    interval = describe_interval(decisive.value, decisive.low, decisive.high)
    change = f"{_name_metric(decisive)} {interval if math.isfinite(decisive.value) else 'is undefined on these rows'}"
    return f"{_WORDS[found.outcome]} {_name_model(decisive, names)}: {change}"


def describe_comparison(found: ModelComparison, names: Mapping[str, str]) -> tuple[str, ...]:
    """Return the outcome and every difference, one line each; see `describe_outcome`."""
    lines = [describe_outcome(found, names)]
    lines += [_describe_difference(one, found, names) for one in found.differences]
    if found.differences and not found.same_rows:
        lines.append("compared on the eval rows of this run; the earlier model was evaluated on other rows")
    return tuple(lines)


def describe_interval(value: float, low: float, high: float) -> str:
    """Return a difference and its interval as text.

    Example:
        >>> describe_interval(-0.0002, -0.0011, 0.0007)
        '-0.0002 (-0.0011 to +0.0007)'
    """
    digits = 4 if not math.isfinite(value) or abs(value) < 100 else 1
    value, low, high = (0.0 if round(number, digits) == 0 else number for number in (value, low, high))  # no -0.0000
    return f"{value:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def comparison_as_record(found: ModelComparison, names: Mapping[str, str]) -> dict[str, Any]:
    """Return a comparison for summary.json, in which models are named by the versions that they were pushed as."""
    record = comparison_as_dict(found)
    for one in record["differences"]:
        one["version"] = names.get(one.pop("model"))
    return record


def _find_decisive(found: ModelComparison) -> Difference:
    """Return the difference that determined the outcome."""
    deciding = found.differences[0]
    if found.outcome == WORSE and deciding.word != WORSE:
        return next(one for one in found.differences if one.word == WORSE and not one.within_margin)
    if found.outcome == TIE and deciding.word == BETTER:
        return next(one for one in found.differences if not one.within_margin)
    return deciding


def _describe_difference(one: Difference, found: ModelComparison, names: Mapping[str, str]) -> str:
    best = f" against {_name_model(one, names)}, the best of the last {found.looked_at}" if one.against == BEST else ""
    if not math.isfinite(one.value):
        return (
            f"{_name_metric(one)}{best} is undefined: the slice has too few rows ({one.rows:,}), or all its rows are "
            "alike"
        )
    change = describe_interval(one.value, one.low, one.high)
    smaller = one.metric in SMALLER_IS_BETTER
    worst = format_readable(max(one.high if smaller else -one.low, 0.0))
    return f"{_name_metric(one)} changes by {change}{best}: {_judge_difference(one, worst)}"


def _judge_difference(one: Difference, worst: str) -> str:
    """Return whether the rules refuse, allow or doubt a difference, and by which rule.

    Args:
        one: The difference.
        worst: By how much the model may be worse at the end of the interval.
    """
    margin = format_readable(one.margin, 6)
    if one.word == WORSE and one.decides:
        return (
            f"refused, since the whole interval is on the worse side; the margin of {margin} applies only if the "
            "interval contains 0"
        )
    if one.word == WORSE and not one.within_margin:
        return (
            f"refused, since the whole interval is on the worse side, and the model may be worse by {worst}, NOT by at "
            f"most {margin}"
        )
    if one.word == WORSE:
        return f"worse, but by no more than the margin of {margin}"
    return f"no worse than {margin}" if one.within_margin else f"may be worse by {worst}, NOT by at most {margin}"


def _name_metric(one: Difference) -> str:
    return one.metric if one.slice == OVERALL else f"{one.metric} on {one.slice}"


def _name_model(one: Difference, names: Mapping[str, str]) -> str:
    return names.get(one.model, one.model)
