"""`make tune`: a search, a comparison of the best trials with the committed values, and a proposal."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.config import ConfigError, TunerConfig
from pipelines.experiments import record
from pipelines.experiments.command import SEARCH_SHARE, Begun
from pipelines.experiments.data_nodes import material, pipeline_config, run_until
from pipelines.experiments.proposal import better_beyond_noise, patch
from pipelines.modeling.hyperparameters import checked, read_hyperparameters
from pipelines.runner.results import NodeResult
from pipelines.search.comparison import FEWEST, Compared, compare
from pipelines.search.deadline import Deadline
from pipelines.search.measures import Measure, measures
from pipelines.search.search import PARTS, Material
from pipelines.search.trainings import Candidate, Training, rounded, train_each
from pipelines.task_definition.task import Task, load_task
from serving.durable_file import write_whole

COMMITTED = "committed"
_BEST = 3  # trials that are compared with the committed values
_PATCH_FILE, _RECORD_FILE = "proposal.patch", "tune.json"


def run(begun: Begun) -> None:
    """Runs the command.

    Raises:
        ConfigError: The task says nothing of what to search.
        DataNodesError: A node failed, the Tuner among them.
        ComparisonError: There was no time to compare.
    """
    options, console = begun.options, begun.console
    task = load_task(options.task)
    committed = committed_values(task)
    budget = TunerConfig(trials=options.trials, minutes=options.minutes * SEARCH_SHARE)
    config = pipeline_config(task, options, budget)
    nodes = run_until("Tuner", config, begun.run_id, console)
    found = material(config, nodes["Transform"])
    candidates = [Candidate(name=COMMITTED, hyperparameters=committed), *_best_trials(nodes["Tuner"], committed)]
    console.print(f"\nthe committed values and the best {len(candidates) - 1} trials, {options.seeds} trainings each:")
    deadline = Deadline(options.minutes * (1 - SEARCH_SHARE))
    trainings = train_each(found, candidates, options.seeds, deadline)
    compared = compare_finished(found, trainings, COMMITTED)
    of_problem = measures(task.problem)
    record.show(console, of_problem, compared, trainings)
    for name, made in trainings.items():
        for line in record.failures(name, made):
            console.print(line, markup=False, soft_wrap=True)
    by_name = {candidate.name: dataclasses.asdict(candidate.hyperparameters) for candidate in candidates}
    proposed = better_beyond_noise(of_problem, compared, COMMITTED)
    _write(begun, by_name, trainings, compared, proposed)
    assert task.hyperparameters is not None
    _say(begun, of_problem, compared, proposed, patch(task.hyperparameters, by_name[proposed]) if proposed else "")


def committed_values(task: Task) -> Any:
    """The values that the task's file holds.

    Raises:
        ConfigError: The task says nothing of what to search.
        HyperparameterError: The file cannot be used.
    """
    if task.tuning is None or task.hyperparameters is None:
        raise ConfigError(
            f"task {task.name} says nothing of what to search: expected Task(tuning=...), received none; see "
            "docs/tuning.md"
        )
    return read_hyperparameters(task.hyperparameters, task.tuning.hyperparameters)


def compare_finished(
    found: Material, trainings: Mapping[str, Sequence[Training]], reference: str | None = None
) -> dict[str, dict[str, Compared]]:
    """Compares the candidates that finished often enough; the others are left out.

    Raises:
        ComparisonError: Too few trainings were finished.
    """
    enough = {
        name: made
        for name, made in trainings.items()
        if name == reference or sum(training.failure is None for training in made) >= FEWEST
    }
    labels = {part: found.rows.hold_out(PARTS, part)[1].labels[:, 0] for part in range(PARTS)}
    return compare(measures(found.problem), labels, enough, reference)


def _best_trials(tuner: NodeResult, committed: Any) -> list[Candidate]:
    """The best few trials that are not the committed values, as Tuner recorded them."""
    (path,) = tuner.uri("tuner_results").glob("*.json")
    candidates: list[Candidate] = []
    for trial in sorted(json.loads(path.read_text()), key=lambda trial: trial["score"]):
        number = int(trial.pop("trial_id")) + 1
        del trial["score"]
        values = checked(rounded(trial), type(committed), f"trial {number}")
        if values != committed and all(values != candidate.hyperparameters for candidate in candidates):
            candidates.append(Candidate(name=f"trial {number}", hyperparameters=values))
    return candidates[:_BEST]


def _write(
    begun: Begun,
    values: Mapping[str, Mapping[str, Any]],
    trainings: Mapping[str, Sequence[Training]],
    compared: Mapping[str, Mapping[str, Compared]],
    proposed: str | None,
) -> None:
    candidates = {
        name: {
            "hyperparameters": values[name],
            "measures": record.compared_record(compared.get(name)),
            "trainings": [record.training_record(found, values[name]["seed"] + found.number) for found in made],
        }
        for name, made in trainings.items()
    }
    options = begun.options
    record.write(
        begun.directory / _RECORD_FILE,
        {
            "format": 1,
            "task": options.task,
            "budget": {"trials": options.trials, "minutes": options.minutes, "seeds": options.seeds},
            "candidates": candidates,
            "proposed": proposed,
        },
    )


def _say(
    begun: Begun,
    of_problem: Sequence[Measure],
    compared: Mapping[str, Mapping[str, Compared]],
    proposed: str | None,
    change: str,
) -> None:
    """The proposal, or that there is none."""
    console = begun.console
    if proposed is None:
        console.print("\nNothing is better beyond noise: keep the committed values.")
    else:
        path = begun.directory / _PATCH_FILE
        write_whole(path, change)
        found = compared[proposed][of_problem[-1].name].change
        assert found is not None
        console.print(
            f"\n{proposed} is better beyond noise: {of_problem[-1].words} changes by {found.value:+.4f} "
            f"({found.low:+.4f} to {found.high:+.4f}). The proposal:\n",
            highlight=False,
        )
        console.print(change, markup=False, soft_wrap=True)
        console.print(f"Nothing was changed. To take it: git apply {path}", markup=False, soft_wrap=True)
    console.print(f"record  {begun.directory / _RECORD_FILE}", markup=False, soft_wrap=True)
