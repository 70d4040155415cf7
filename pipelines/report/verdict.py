"""How the run ended, in a sentence, and what each gate decided."""

from typing import Any

from pipelines.runs import Run

# Status of the run -> (word, how it looks, sentence).
_ENDS = {
    "pushed": ("Pushed", "good", "Every gate passed. Version {version} is in place."),
    "unchanged": ("Unchanged", "good", "Version {version} already holds this model: nothing new was pushed."),
    "refused": ("Not pushed", "bad", "{gates} refused the model. Versions pushed before are untouched."),
    "failed": ("Failed", "bad", "The run failed before a model could be pushed. Versions pushed before are untouched."),
    "interrupted": ("Interrupted", "warn", "The run was stopped. What was finished is kept."),
    "unfinished": ("Not finished", "warn", "The run goes on, or it was killed."),
}
_GATES = {  # what each decides about
    "AnomalyGate": "the data",
    "Evaluator": "the model",
    "SkewGate": "what is served",
    "ReviewGate": "the code",
}
_DECISIONS = {True: ("passed", "good"), False: ("refused", "bad"), None: ("not reached", "quiet")}


def verdict(run: Run) -> dict[str, Any]:
    """The run's end and its gates."""
    word, look, sentence = _ENDS.get(run.status, (run.status, "warn", ""))
    gates = [_gate(row.gate, row.passed, row.reasons) for row in run.gates().itertuples()]
    refusing = [gate["name"] for gate in gates if gate["word"] == "refused"]
    return {
        "word": word,
        "look": look,
        "sentence": sentence.format(version=run.version, gates=" and ".join(refusing) or "A gate"),
        "error": run.summary["error"],
        "gates": gates,
    }


def _gate(name: str, passed: bool | None, reasons: list[str]) -> dict[str, Any]:
    word, look = _DECISIONS[passed]
    return {"name": name, "about": _GATES.get(name, ""), "word": word, "look": look, "reasons": reasons}
