"""Train one working copy with several seeds on parts of the training rows, and keep the result in a run's folder.

The k-th training of every run holds out the same part of the rows, so that two runs on the same rows can be compared
training by training. The eval split, which decides on a push, is not read.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.evaluation.measures import measures_of
from pipelines.runs.seeds_file import SEEDS_FILE
from pipelines.search.comparison import CandidateScore, ComparisonError, compare
from pipelines.search.trainings import Training, held_out_fold


@dataclasses.dataclass(frozen=True, kw_only=True)
class SeedTrainings:
    """Trainings with several seeds, and the labels that they are scored on."""

    problem: str  # one of pipelines.task_definition.problem.PROBLEMS
    labels: Mapping[int, np.ndarray]  # fold -> labels of its rows, [rows]
    trainings: Sequence[Training]


def write_seeds(folder: Path, found: SeedTrainings) -> None:
    """Write SEEDS_FILE into a run's folder."""
    described = [
        {"number": one.number, "seconds": one.seconds, "parameters": one.parameters, "failure": one.failure}
        for one in found.trainings
    ]
    arrays: dict[str, Any] = {f"labels_{fold}": labels for fold, labels in found.labels.items()}
    arrays |= {f"predictions_{one.number}": one.predictions for one in found.trainings if one.predictions is not None}
    text = json.dumps({"problem": found.problem, "trainings": described}).encode()
    np.savez(folder / SEEDS_FILE, described=np.frombuffer(text, np.uint8), **arrays)


def read_seeds(folder: Path) -> SeedTrainings | None:
    """Return what `write_seeds` wrote, or None if there is no file."""
    path = folder / SEEDS_FILE
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as stored:
        described = json.loads(stored["described"].tobytes())
        trainings = [
            Training(**one, predictions=stored[f"predictions_{one['number']}"] if one["failure"] is None else None)
            for one in described["trainings"]
        ]
        prefix = "labels_"
        labels = {int(name.removeprefix(prefix)): stored[name] for name in stored.files if name.startswith(prefix)}
    return SeedTrainings(problem=described["problem"], labels=labels, trainings=trainings)


def score_seeds(found: SeedTrainings) -> dict[str, CandidateScore]:
    """Return the score of the trainings by name of the measure.

    Raises:
        ComparisonError: Fewer than two trainings finished.
    """
    return compare(measures_of(found.problem), found.labels, {"trained": found.trainings})["trained"]


def compare_seeds(before: SeedTrainings, after: SeedTrainings) -> dict[str, CandidateScore]:
    """Return the second working copy's score by name of the measure, with the change from the first.

    Raises:
        ComparisonError: Fewer than two trainings were finished by both, or their rows differ.
    """
    folds = {held_out_fold(one.number) for one in (*before.trainings, *after.trainings)}
    same = before.problem == after.problem and all(
        fold in before.labels and fold in after.labels and np.array_equal(before.labels[fold], after.labels[fold])
        for fold in folds
    )
    if not same:
        raise ComparisonError(
            "the trainings with several seeds are of other rows: expected two runs on the same training rows; run both "
            "on the same data"
        )
    trainings = {"before": before.trainings, "after": after.trainings}
    return compare(measures_of(after.problem), after.labels, trainings, reference="before")["after"]
