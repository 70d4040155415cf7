"""Train an experiment with several seeds after its nodes, to estimate what another training will score."""

import dataclasses
from pathlib import Path

import tensorflow_transform as tft
from rich.console import Console

from pipelines.config import PipelineConfig
from pipelines.evaluation.measures import measures_of
from pipelines.modeling.hyperparameters import read_hyperparameters
from pipelines.modeling.transformed_rows import read_rows
from pipelines.nodes import TRAIN
from pipelines.runner.results import NodeResult
from pipelines.runner.summary import SeedScore
from pipelines.search.deadline import Deadline
from pipelines.search.search import SearchInputs
from pipelines.search.seed_record import SeedTrainings, score_seeds, write_seeds
from pipelines.search.trainings import Candidate, Training, held_out_fold, split_fold, train_candidates

_MINUTES = 24 * 60.0  # for all trainings; longer than anyone waits


def train_seeds(
    config: PipelineConfig, transform: NodeResult, seeds: int, directory: Path, console: Console
) -> tuple[SeedScore, ...]:
    """Train with several seeds on parts of the training rows, and write the trainings into the run's folder.

    Args:
        config: the run's configuration, with the task.
        transform: Transform's result.
        seeds: number of trainings.
        directory: the run's folder.
        console: where a line for each training is printed.

    Returns:
        The expected score of another training, for each measure of the task's problem.

    Raises:
        ComparisonError: Fewer than two trainings finished.
    """
    inputs = _read_inputs(config, transform)
    assert config.task.hyperparameters is not None  # Task requires it.
    committed = read_hyperparameters(config.task.hyperparameters, inputs.tuning.hyperparameters)
    candidate = Candidate(name="trained", hyperparameters=committed)

    def show(_: Candidate, training: Training) -> None:
        console.print(
            f"seed {training.number + 1} of {seeds}  {training.failure or f'{training.seconds:.1f} s'}", markup=False
        )

    trainings = train_candidates(inputs, [candidate], seeds, Deadline(_MINUTES), show)["trained"]
    labels = {}
    for number in range(seeds):
        scored = split_fold(inputs.rows, number)[1]
        labels[held_out_fold(number)] = scored.labels[:, 0]
    found = SeedTrainings(problem=config.task.problem, labels=labels, trainings=trainings)
    write_seeds(directory, found)
    scores = score_seeds(found)
    finished = sum(training.failure is None for training in trainings)
    return tuple(
        SeedScore(metric=measure.name, trainings=finished, **dataclasses.asdict(scores[measure.name].expected))
        for measure in measures_of(config.task.problem)
    )


def _read_inputs(config: PipelineConfig, transform: NodeResult) -> SearchInputs:
    assert config.task.tuning is not None  # resolve() requires it.
    graph = tft.TFTransformOutput(str(transform.uri("transform_graph")))
    files = str(transform.uri("transformed_examples") / f"Split-{TRAIN}" / "*")
    return SearchInputs(
        tuning=config.task.tuning,
        problem=config.task.problem,
        rows=read_rows([files], graph, config.task.label),
        transform=graph,
        settings=config.trainer,
    )
