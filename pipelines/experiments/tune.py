"""Search, compare the best trials with the committed values, and propose the better ones (`make tune`)."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.evaluation.measures import Measure, measures_of
from pipelines.experiments import record
from pipelines.experiments.command import CommandContext
from pipelines.experiments.data_nodes import pipeline_config, read_search_inputs, run_until
from pipelines.experiments.proposal import find_better_candidate, make_patch
from pipelines.modeling.hyperparameters import parse_hyperparameters, read_committed
from pipelines.nodes import TRANSFORM, TUNER
from pipelines.resolution import require_tuning
from pipelines.runner.results import NodeResult
from pipelines.search.comparison import MIN_TRAININGS, CandidateScore, compare
from pipelines.search.deadline import Deadline
from pipelines.search.search import FOLDS, SearchInputs
from pipelines.search.trainings import Candidate, Training, round_values, train_candidates
from pipelines.task_definition.task import Task, load_task
from serving.durable_file import write_whole

COMMITTED = "committed"
_BEST = 3  # trials that are compared with the committed values
_PATCH_FILE, _RECORD_FILE = "proposal.patch", "tune.json"


def run(context: CommandContext) -> None:
    """Search and compare hyperparameters, print the table and the proposal, and write the record.

    Raises:
        ConfigError: The task has no tuning.
        DataNodesError: A node failed, for example the Tuner.
        ComparisonError: There was no time for enough trainings.
    """
    options, console = context.options, context.console
    task = load_task(options.task)
    committed = read_committed_values(task)
    config = pipeline_config(task, options, options.search_budget)
    results = run_until(TUNER, config, context.run_id, console)
    inputs = read_search_inputs(config, results[TRANSFORM])
    candidates = [Candidate(name=COMMITTED, hyperparameters=committed), *_best_trials(results[TUNER], committed)]
    console.print(f"\nthe committed values and the best {len(candidates) - 1} trials, {options.seeds} trainings each:")
    deadline = Deadline(options.comparison_minutes)
    trainings = train_candidates(inputs, candidates, options.seeds, deadline)
    compared = compare_finished(inputs, trainings, COMMITTED)
    of_problem = measures_of(task.problem)
    record.print_table(console, of_problem, compared, trainings)
    for name, made in trainings.items():
        for line in record.describe_failures(name, made):
            console.print(line, markup=False, soft_wrap=True)
    by_name = {candidate.name: dataclasses.asdict(candidate.hyperparameters) for candidate in candidates}
    proposed = find_better_candidate(of_problem, compared, COMMITTED)
    _write_record(context, by_name, trainings, compared, proposed)
    assert task.hyperparameters is not None
    _print_proposal(
        context, of_problem, compared, proposed, make_patch(task.hyperparameters, by_name[proposed]) if proposed else ""
    )


def read_committed_values(task: Task) -> Any:
    """Return the hyperparameters in the task's file.

    Raises:
        ConfigError: The task has no tuning.
        HyperparameterError: The file is not valid.
    """
    require_tuning(task)
    return read_committed(task)


def compare_finished(
    inputs: SearchInputs, trainings: Mapping[str, Sequence[Training]], reference: str | None = None
) -> dict[str, dict[str, CandidateScore]]:
    """Return the comparison of the candidates that have enough finished trainings, and of the reference.

    Raises:
        ComparisonError: Too few trainings finished.
    """
    enough = {
        name: made
        for name, made in trainings.items()
        if name == reference or sum(training.failure is None for training in made) >= MIN_TRAININGS
    }
    labels = {fold: inputs.rows.hold_out(FOLDS, fold)[1].labels[:, 0] for fold in range(FOLDS)}
    return compare(measures_of(inputs.problem), labels, enough, reference)


def _best_trials(tuner: NodeResult, committed: Any) -> list[Candidate]:
    """Return the best trials of the Tuner that differ from the committed values, at most 3."""
    (path,) = tuner.uri("tuner_results").glob("*.json")
    candidates: list[Candidate] = []
    for trial in sorted(json.loads(path.read_text()), key=lambda trial: trial["score"]):
        number = int(trial.pop("trial_id")) + 1
        del trial["score"]
        values = parse_hyperparameters(round_values(trial), type(committed), f"trial {number}")
        if values != committed and all(values != candidate.hyperparameters for candidate in candidates):
            candidates.append(Candidate(name=f"trial {number}", hyperparameters=values))
    return candidates[:_BEST]


def _write_record(
    context: CommandContext,
    values: Mapping[str, Mapping[str, Any]],
    trainings: Mapping[str, Sequence[Training]],
    compared: Mapping[str, Mapping[str, CandidateScore]],
    proposed: str | None,
) -> None:
    candidates = {
        name: {
            "hyperparameters": values[name],
            "measures": record.score_record(compared.get(name)),
            "trainings": [record.training_record(found, values[name]["seed"] + found.number) for found in made],
        }
        for name, made in trainings.items()
    }
    options = context.options
    record.write_json(
        context.directory / _RECORD_FILE,
        {
            "format": 1,
            "task": options.task,
            "budget": {"trials": options.budget.trials, "minutes": options.budget.minutes, "seeds": options.seeds},
            "candidates": candidates,
            "proposed": proposed,
        },
    )


def _print_proposal(
    context: CommandContext,
    of_problem: Sequence[Measure],
    compared: Mapping[str, Mapping[str, CandidateScore]],
    proposed: str | None,
    change: str,
) -> None:
    """Print the proposal and write its patch, or print that there is none."""
    console = context.console
    if proposed is None:
        console.print("\nNo trial is better beyond noise: keep the committed values.")
    else:
        path = context.directory / _PATCH_FILE
        write_whole(path, change)
        found = compared[proposed][of_problem[-1].name].change
        assert found is not None
        console.print(
            f"\n{proposed} is better beyond noise: {of_problem[-1].label} changes by {found.value:+.4f} "
            f"({found.low:+.4f} to {found.high:+.4f}). The proposal:\n",
            highlight=False,
        )
        console.print(change, markup=False, soft_wrap=True)
        console.print(f"Nothing was changed. To apply it: git apply {path}", markup=False, soft_wrap=True)
    console.print(f"record  {context.directory / _RECORD_FILE}", markup=False, soft_wrap=True)
