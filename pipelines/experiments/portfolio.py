"""`make portfolio`: a search for each architecture, trainings of its best, and the table."""

import dataclasses
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from absl import logging
from rich.console import Console

from pipelines.config import TunerConfig
from pipelines.experiments import record
from pipelines.experiments.command import SEARCH_SHARE, Begun, Options
from pipelines.experiments.data_nodes import material, pipeline_config, run_until
from pipelines.experiments.tune import committed_values, compare_finished
from pipelines.modeling.hyperparameters import checked
from pipelines.search.comparison import Compared
from pipelines.search.deadline import Deadline
from pipelines.search.measures import measures
from pipelines.search.search import Material, SearchError, Trial, best, search
from pipelines.search.trainings import Candidate, Training, rounded, train_each
from pipelines.task_definition.task import load_task

_RECORD_FILE = "portfolio.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Approach:
    """What became of one architecture."""

    name: str
    seconds: float  # of search and trainings
    trials: Sequence[Trial] = ()
    hyperparameters: Any = None  # of the best trial; None: the search found nothing
    trainings: Sequence[Training] = ()
    failure: str | None = None  # why it was given up


def run(begun: Begun) -> None:
    """Runs the command.

    Raises:
        ConfigError: The task says nothing of what to search.
        DataNodesError: A node failed.
        ComparisonError: No architecture came far enough to be compared.
    """
    options, console = begun.options, begun.console
    task = load_task(options.task)
    committed = committed_values(task)
    config = pipeline_config(task, options, None)
    found = material(config, run_until("Transform", config, begun.run_id, console)["Transform"])
    console.print(
        f"\neach architecture: {options.trials} trials, {options.seeds} trainings of the best, "
        f"{options.minutes:g} minutes at most"
    )
    approaches = try_each(options, found, committed, console)
    trainings = {approach.name: approach.trainings for approach in approaches}
    compared = compare_finished(found, trainings)
    console.print()
    record.show(console, measures(task.problem), compared, trainings)
    path = begun.directory / _RECORD_FILE
    record.write(path, _record(begun, approaches, compared))
    console.print(f"record  {path}", markup=False, soft_wrap=True)


def try_each(options: Options, found: Material, committed: Any, console: Console) -> list[Approach]:
    """Tries one architecture after the other, and tells of each; what fails in one does not touch the next.

    Args:
        options: with the budget of each.
        found: what is trained on.
        committed: the values that each search begins with, but for the architecture.
        console: where to tell.
    """
    approaches = []
    for architecture in found.tuning.architectures:
        approaches.append(_tried(options, found, dataclasses.replace(committed, architecture=architecture)))
        _tell(console, approaches[-1])
    return approaches


def _tried(options: Options, found: Material, start: Any) -> Approach:
    """Searches one architecture, and trains its best; within its own budget, whatever happens."""
    began = time.monotonic()
    deadline = Deadline(options.minutes)
    budget = TunerConfig(trials=options.trials, minutes=options.minutes * SEARCH_SHARE)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            trials = search(found, start, budget, Path(scratch))
    except SearchError as error:
        logging.exception("No trial of %s finished.", start.architecture)
        return Approach(name=start.architecture, seconds=time.monotonic() - began, failure=str(error))
    (winner,) = best(trials, 1)
    values = checked(rounded(winner.values), type(start), f"trial {winner.number}")
    candidate = Candidate(name=start.architecture, hyperparameters=values)
    trainings = train_each(found, [candidate], options.seeds, deadline)[candidate.name]
    return Approach(
        name=start.architecture,
        seconds=time.monotonic() - began,
        trials=trials,
        hyperparameters=values,
        trainings=trainings,
    )


def _tell(console: Console, approach: Approach) -> None:
    """A line for the approach, and one for each way in which a part of it failed."""
    failures = [trial.failure for trial in approach.trials if trial.failure is not None]
    finished = len(approach.trials) - len(failures)
    outcome = approach.failure or (
        f"{finished} of {len(approach.trials)} trials finished, lowest held-out loss "
        f"{best(list(approach.trials), 1)[0].loss:.4f}"
    )
    console.print(f"{approach.name:<20} {approach.seconds:6.0f} s  {outcome}", markup=False, soft_wrap=True)
    for reason in dict.fromkeys(failures):
        console.print(f"  {failures.count(reason)} trials: {reason}", markup=False, soft_wrap=True)
    for line in record.failures(approach.name, approach.trainings):
        console.print(f"  {line}", markup=False, soft_wrap=True)


def _record(
    begun: Begun, approaches: Sequence[Approach], compared: Mapping[str, Mapping[str, Compared]]
) -> dict[str, Any]:
    options = begun.options
    return {
        "format": 1,
        "task": options.task,
        "budget": {"trials": options.trials, "minutes": options.minutes, "seeds": options.seeds},
        "approaches": {
            approach.name: _approach_record(approach, compared.get(approach.name)) for approach in approaches
        },
    }


def _approach_record(approach: Approach, compared: Mapping[str, Compared] | None) -> dict[str, Any]:
    values = approach.hyperparameters
    return {
        "seconds": round(approach.seconds, 2),
        "failure": approach.failure,
        "trials": [dataclasses.asdict(trial) for trial in approach.trials],
        "hyperparameters": None if values is None else dataclasses.asdict(values),
        "measures": record.compared_record(compared),
        "trainings": [record.training_record(found, values.seed + found.number) for found in approach.trainings],
    }
