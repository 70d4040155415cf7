"""Describe in a sentence whether a run's model was pushed, or why it was not."""

from collections.abc import Mapping
from typing import Any

from pipelines.runs.run_record import UNFINISHED

PUSHED, UNCHANGED, REFUSED = "pushed", "unchanged", "refused"  # statuses; docs/reference/summary.md
_SHOWN_REASONS = 2


def explain_outcome(summary: Mapping[str, Any]) -> str:
    """Return a sentence that names the pushed version of the model, or the reason why it was not pushed.

    Args:
        summary: the run's record.
    """
    status = summary["status"]
    if status in (PUSHED, UNCHANGED):
        return f"version {summary['pushed']['version']} holds this model"
    if summary["not_pushed"]:
        return summary["not_pushed"]
    refusals = [_describe_refusal(gate) for gate in summary["gates"] if gate["passed"] is False]
    if refusals:
        return "; ".join(refusals)
    review = summary["review"]
    if status == REFUSED and review and review["required"]:
        return f"a valid review is required: {review['reason']}"
    if status == UNFINISHED:
        return "the run is still running, or it was killed"
    error = (summary["error"] or "").splitlines()
    return error[0] if error else status


def _describe_refusal(gate: Mapping[str, Any]) -> str:
    reasons = gate["reasons"]
    more = f", and {len(reasons) - _SHOWN_REASONS} more" if len(reasons) > _SHOWN_REASONS else ""
    return f"{gate['gate']}: {'; '.join(reasons[:_SHOWN_REASONS])}{more}"
