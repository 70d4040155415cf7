"""Describe what changed between two runs in a few short phrases, for tables of many runs.

`pipelines.runs.difference` compares the runs. This module loads neither TFX nor TensorFlow.
"""

from collections.abc import Sequence
from typing import Any

from pipelines.nodes import TRAINER
from pipelines.runs.difference import Change, RunDifference, compare_runs
from pipelines.runs.run import Run
from pipelines.runs.run_record import UNFINISHED

_SHOWN = 4  # parameters shown with their values; of the others, only the number is shown
_LONGEST = 60  # characters of a value that is shown
_REPEATED = f"{TRAINER}.train_args."  # the same as Trainer's setting train_steps
_WHAT_DATA = ("source", "fingerprint", "rows", "span")  # beginnings of the names in RunDifference.data about rows


def describe_changes(before: Run, after: Run) -> tuple[str, ...]:
    """Describe what changed in data, contract, code and parameters.

    Args:
        before: an earlier run of the same task.
        after: the run.

    Returns:
        The phrases; empty if nothing changed, or if a run is unfinished.
    """
    if UNFINISHED in (before.status, after.status):
        return ()  # An unfinished run has no record of its code and its data.
    found = compare_runs(before, after, figures=False)
    described = (_describe_data, _describe_code, _describe_parts, _describe_values, _describe_stack)
    return tuple(phrase for describe in described for phrase in describe(found))


def _describe_data(found: RunDifference) -> list[str]:
    names = {change.name for change in found.data}
    described = []
    if any(name.startswith(_WHAT_DATA) for name in names):
        rows = [sum(run.summary["rows"].values()) for run in (found.before, found.after)]
        counted = f" ({rows[0]:,} → {rows[1]:,} rows)" if all(rows) and rows[0] != rows[1] else ""
        described.append(f"other data{counted}")
    if "split" in names:
        described.append("another split")
    if "contract" in names:
        described.append("another contract")
    return described


def _describe_code(found: RunDifference) -> list[str]:
    if found.files:
        edited = [change.name for change in found.files if change.before and change.after]
        added = [f"+{change.name}" for change in found.files if not change.before]
        removed = [f"−{change.name}" for change in found.files if not change.after]
        return [", ".join([*edited, *added, *removed])]
    if found.files is None and found.code:
        return ["other code"]
    nodes = [change.name for change in found.code if change.before and change.after]
    return [f"other code of {', '.join(nodes)}"] if nodes else []


def _describe_parts(found: RunDifference) -> list[str]:
    """Name the features and layers that were added (+), removed (-) or changed."""
    parts = {"features": found.features, "layers": found.layers}
    return [f"{what} {_list_names(changes)}" for what, changes in parts.items() if changes]


def _list_names(changes: Sequence[Change]) -> str:
    left_out = len(changes) - _SHOWN
    shown = ", ".join(change.name for change in changes[:_SHOWN])
    return f"{shown} and {left_out} more" if left_out > 0 else shown


def _describe_values(found: RunDifference) -> list[str]:
    changes = [*found.hyperparameters, *(change for change in found.parameters if not _is_derived(change))]
    shown = [f"{_shorten(one.name)} {_say(one.before)} → {_say(one.after)}" for one in changes[:_SHOWN]]
    left_out = len(changes) - len(shown)
    return [*shown, f"{left_out} more parameters"] if left_out else shown


def _describe_stack(found: RunDifference) -> list[str]:
    return [f"{change.name} {_say(change.before)} → {_say(change.after)}" for change in found.stack]


def _is_derived(change: Change) -> bool:
    """Tell whether a parameter repeats another one, or is a text that is too long for a table."""
    documents = (isinstance(value, str) and len(value) > _LONGEST for value in (change.before, change.after))
    return change.name.startswith(_REPEATED) or any(documents)


def _shorten(name: str) -> str:
    return name.rpartition(".")[2]


def _say(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(str, value))}]"
    return "–" if value is None else str(value)
