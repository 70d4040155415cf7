"""Propose the candidate of `make tune` that is better beyond noise, as a patch of the task's file."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

import tomlkit

from pipelines.evaluation.measures import Measure
from pipelines.modeling.hyperparameters import HyperparameterValue
from pipelines.search.comparison import CandidateScore

_PROJECT = Path(__file__).resolve().parents[2]


def find_better_candidate(
    measures: Sequence[Measure], compared: Mapping[str, Mapping[str, CandidateScore]], reference: str
) -> str | None:
    """Return the candidate to propose instead of the reference, or None if none is significantly better.

    The last measure decides: the whole interval of its change must be on the better side. No measure may be
    significantly worse. Of several such candidates, the one with the best expected value is returned.
    """
    deciding = measures[-1]
    good = [
        name
        for name, found in compared.items()
        if name != reference
        and _surely(found[deciding.name], better=True, measure=deciding)
        and not any(_surely(found[measure.name], better=False, measure=measure) for measure in measures)
    ]
    sign = 1 if deciding.larger_is_better else -1
    return max(good, key=lambda name: sign * compared[name][deciding.name].expected.value, default=None)


def make_patch(path: Path, values: Mapping[str, HyperparameterValue], project: Path = _PROJECT) -> str:
    """Return the change of a task's file as a patch for `git apply` in the project's folder; empty without changes.

    Comments, order and unchanged values stay.

    Args:
        path: the TOML file; it is not changed.
        values: the new values.
        project: the folder that the patch's paths are relative to.
    """
    before = path.read_text()
    document = tomlkit.parse(before)
    for name, value in values.items():
        if document.get(name) != value:
            document[name] = value
    inside = path.resolve().relative_to(project.resolve()).as_posix()
    return "".join(
        difflib.unified_diff(
            before.splitlines(keepends=True),
            tomlkit.dumps(document).splitlines(keepends=True),
            fromfile=f"a/{inside}",
            tofile=f"b/{inside}",
        )
    )


def _surely(compared: CandidateScore, *, better: bool, measure: Measure) -> bool:
    change = compared.change
    if change is None:
        return False
    return change.low > 0 if measure.larger_is_better == better else change.high < 0
