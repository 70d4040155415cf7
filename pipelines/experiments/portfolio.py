"""Search each architecture, train its best hyperparameters several times, and compare them (`make portfolio`)."""

import dataclasses
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from absl import logging
from rich.console import Console

from pipelines.evaluation.measures import measures_of
from pipelines.experiments import record
from pipelines.experiments.command import CommandContext, ExperimentOptions
from pipelines.experiments.data_nodes import pipeline_config, read_search_inputs, run_until
from pipelines.experiments.tune import compare_finished, read_committed_values
from pipelines.modeling.hyperparameters import parse_hyperparameters
from pipelines.nodes import TRANSFORM
from pipelines.search.comparison import CandidateScore
from pipelines.search.deadline import Deadline
from pipelines.search.search import SearchError, SearchInputs, Trial, best_trials, run_search
from pipelines.search.trainings import Candidate, Training, round_values, train_candidates
from pipelines.search.yardsticks import train_yardsticks
from pipelines.task_definition.task import load_task

_RECORD_FILE = "portfolio.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Approach:
    """The outcome of one architecture: its search, its trainings, and its failure if there is one."""

    name: str
    seconds: float  # of search and trainings
    trials: Sequence[Trial] = ()
    hyperparameters: Any = None  # of the best trial; None: no trial finished
    trainings: Sequence[Training] = ()
    failure: str | None = None  # why it was stopped


def run(context: CommandContext) -> None:
    """Search and compare the task's architectures, print the table and write the record.

    Raises:
        ConfigError: The task has no tuning.
        DataNodesError: A node failed.
        ComparisonError: No architecture has a finished training.
    """
    options, console = context.options, context.console
    task = load_task(options.task)
    committed = read_committed_values(task)
    config = pipeline_config(task, options)
    inputs = read_search_inputs(config, run_until(TRANSFORM, config, context.run_id, console)[TRANSFORM])
    console.print(
        f"\neach architecture: {options.budget.trials} trials, {options.seeds} trainings of the best, "
        f"{options.budget.minutes:g} minutes at most"
    )
    approaches = try_architectures(options, inputs, committed, console)
    trainings: dict[str, Sequence[Training]] = {approach.name: approach.trainings for approach in approaches}
    if any(trainings.values()):
        trainings |= train_yardsticks(inputs, options.seeds)
    compared = compare_finished(inputs, trainings)
    console.print()
    record.print_table(console, measures_of(task.problem), compared, trainings)
    path = context.directory / _RECORD_FILE
    record.write_json(path, _record(context, approaches, trainings, compared))
    console.print(f"record  {path}", markup=False, soft_wrap=True)


def try_architectures(
    options: ExperimentOptions, inputs: SearchInputs, committed: Any, console: Console
) -> list[Approach]:
    """Search and train each architecture, and print its outcome. A failure in one does not affect the next.

    Args:
        options: with the budget for each architecture.
        inputs: training rows and settings.
        committed: the values that each search starts with, except the architecture.
        console: prints the outcomes.

    Returns:
        The outcome of each architecture.
    """
    approaches = []
    for architecture in inputs.tuning.architectures:
        approaches.append(_try_architecture(options, inputs, dataclasses.replace(committed, architecture=architecture)))
        _print_outcome(console, approaches[-1])
    return approaches


def _try_architecture(options: ExperimentOptions, inputs: SearchInputs, start: Any) -> Approach:
    """Search one architecture, and train its best hyperparameters, both within the architecture's budget."""
    began = time.monotonic()
    deadline = Deadline(options.budget.minutes)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            trials = run_search(inputs, start, options.search_budget, Path(scratch))
    except SearchError as error:
        logging.exception("No trial of %s finished.", start.architecture)
        return Approach(name=start.architecture, seconds=time.monotonic() - began, failure=str(error))
    (winner,) = best_trials(trials, 1)
    values = parse_hyperparameters(round_values(winner.values), type(start), f"trial {winner.number}")
    candidate = Candidate(name=start.architecture, hyperparameters=values)
    trainings = train_candidates(inputs, [candidate], options.seeds, deadline)[candidate.name]
    return Approach(
        name=start.architecture,
        seconds=time.monotonic() - began,
        trials=trials,
        hyperparameters=values,
        trainings=trainings,
    )


def _print_outcome(console: Console, approach: Approach) -> None:
    """Print a line for the outcome, and one for each reason for failures."""
    failures = [trial.failure for trial in approach.trials if trial.failure is not None]
    finished = len(approach.trials) - len(failures)
    outcome = approach.failure or (
        f"{finished} of {len(approach.trials)} trials finished, lowest held-out loss "
        f"{best_trials(list(approach.trials), 1)[0].loss:.4f}"
    )
    console.print(f"{approach.name:<20} {approach.seconds:6.0f} s  {outcome}", markup=False, soft_wrap=True)
    for reason in dict.fromkeys(failures):
        console.print(f"  {failures.count(reason)} trials: {reason}", markup=False, soft_wrap=True)
    for line in record.describe_failures(approach.name, approach.trainings):
        console.print(f"  {line}", markup=False, soft_wrap=True)


def _record(
    context: CommandContext,
    approaches: Sequence[Approach],
    trainings: Mapping[str, Sequence[Training]],
    compared: Mapping[str, Mapping[str, CandidateScore]],
) -> dict[str, Any]:
    options = context.options
    return {
        "format": 1,
        "task": options.task,
        "budget": {"trials": options.budget.trials, "minutes": options.budget.minutes, "seeds": options.seeds},
        "approaches": {
            approach.name: _approach_record(approach, compared.get(approach.name)) for approach in approaches
        },
        "yardsticks": {
            name: {
                "seconds": round(sum(one.seconds for one in made), 2),
                "measures": record.score_record(compared.get(name)),
            }
            for name, made in trainings.items()
            if name not in {approach.name for approach in approaches}
        },
    }


def _approach_record(approach: Approach, compared: Mapping[str, CandidateScore] | None) -> dict[str, Any]:
    values = approach.hyperparameters
    return {
        "seconds": round(approach.seconds, 2),
        "failure": approach.failure,
        "trials": [dataclasses.asdict(trial) for trial in approach.trials],
        "hyperparameters": None if values is None else dataclasses.asdict(values),
        "measures": record.score_record(compared),
        "trainings": [record.training_record(found, values.seed + found.number) for found in approach.trainings],
    }
