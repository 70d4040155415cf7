"""Describe how a run ended and what each gate decided, for the top of the page."""

from typing import Any

from pipelines.evaluation.model_comparison import NOT_COMPARED, TIE
from pipelines.nodes import ANOMALY_GATE, BETTER_GATE, EVALUATOR, SKEW_GATE
from pipelines.runs import Run

# Status of the run -> (word, CSS class, sentence).
_ENDS = {
    "pushed": ("Pushed", "good", "Every gate passed. Version {version} is in place."),
    "unchanged": ("Unchanged", "good", "Version {version} already holds this model: nothing new was pushed."),
    "tie": ("Not pushed", "warn", "{not_pushed}. Earlier versions are unchanged."),
    "experiment": ("Experiment", "good", "An experiment pushes nothing. The verdicts of the gates are below."),
    "refused": ("Not pushed", "bad", "{why} Earlier versions are unchanged."),
    "failed": ("Failed", "bad", "{why} Earlier versions are unchanged."),
    "interrupted": ("Interrupted", "warn", "The run was stopped. The outputs of finished nodes are kept."),
    "unfinished": ("Not finished", "warn", "The run is still running, or it was killed."),
}
# What each gate judges.
_GATES = {
    ANOMALY_GATE: "the data",
    EVALUATOR: "the model",
    SKEW_GATE: "the exported model",
    BETTER_GATE: "the model, compared with earlier ones",
}
_REVIEWS = {"valid": "good", "edited": "bad"}  # state of the review -> CSS class; "warn" for any other state
_DECISIONS = {True: ("passed", "good"), False: ("refused", "bad"), None: ("not reached", "quiet")}


def describe_verdict(run: Run) -> dict[str, Any]:
    """Describe how the run ended, and its gates."""
    word, css_class, sentence = _ENDS.get(run.status, (run.status, "warn", ""))
    gates = [_describe_gate(row.gate, row.passed, row.reasons) for row in run.gates().itertuples()]
    _mark_tie(gates, run.summary["comparison"])
    refused = any(gate["word"] == "refused" for gate in gates)
    if run.status == "failed" and refused and _is_decision(run.summary["nodes"]):
        word, css_class, sentence = _ENDS["refused"]
    error = run.summary["error"]
    return {
        "word": word,
        "css_class": css_class,
        "sentence": sentence.format(
            version=run.version,
            why=_explain_refusal(run, gates),
            not_pushed=_begin_sentence(run.summary["not_pushed"] or ""),
        ),
        # The gate's own card shows the rest.
        "error": error.splitlines()[0] if error and refused else error,
        "gates": [*gates, *_describe_review(run.summary["review"])],
    }


def _is_decision(nodes: list[dict[str, Any]]) -> bool:
    """Tell whether no node failed except AnomalyGate, which fails to refuse the data."""
    return {node["id"] for node in nodes if node["state"] == "failed"} == {ANOMALY_GATE}


def _begin_sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _explain_refusal(run: Run, gates: list[dict[str, Any]]) -> str:
    """Say why nothing was pushed."""
    refusals = [f"{gate['name']} refused {gate['about']}" for gate in gates if gate["word"] == "refused"]
    if refusals:
        return f"{' and '.join(refusals)}."
    review = run.summary["review"]
    if run.status == "refused" and review and review["required"]:
        return "The push requires a valid review of the code, which does not exist."
    if run.status == "refused" and run.summary["not_pushed"]:
        return f"{_begin_sentence(run.summary['not_pushed'])}."
    return "A node failed before a model could be pushed." if run.summary["nodes"] else "The run could not start."


def _describe_review(review: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Describe the review of the code as one more card."""
    if not review:
        return []
    css_class = _REVIEWS.get(review["state"], "warn")
    about = "of the code, required" if review["required"] else "of the code"
    reasons = [review["reason"], *([review["note"]] if review["note"] else [])]
    return [{"name": "Review", "about": about, "word": review["state"], "css_class": css_class, "reasons": reasons}]


def _mark_tie(gates: list[dict[str, Any]], comparison: dict[str, Any] | None) -> None:
    """Change the verdict of BetterGate's card to "tie" if it found one."""
    if comparison and comparison["outcome"] in (TIE, NOT_COMPARED):
        (card,) = (gate for gate in gates if gate["name"] == BETTER_GATE)
        card |= {"word": "tie", "css_class": "warn"}


def _describe_gate(name: str, passed: bool | None, reasons: list[str]) -> dict[str, Any]:
    word, css_class = _DECISIONS[passed]
    return {"name": name, "about": _GATES.get(name, ""), "word": word, "css_class": css_class, "reasons": reasons}
