"""Train each candidate with several seeds, and predict rows that no trial was scored on.

The k-th training of every candidate has the same seed and holds out the same fold, one that the search did not score
on, so that candidates can be compared training by training.
"""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from absl import logging

from pipelines.explain import explain_in_one_line
from pipelines.modeling.hyperparameters import HyperparameterValue
from pipelines.modeling.transformed_rows import TransformedRows
from pipelines.search.deadline import Deadline, StopAtDeadline
from pipelines.search.scoring import predict
from pipelines.search.search import FOLDS, SEARCH_FOLD, SearchInputs
from serving.process_control import raise_if_interrupted

_SIGNIFICANT = 3  # digits of a proposed value; more would not be significant


class NoPredictionError(ValueError):
    """A model's prediction is not a finite number."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Candidate:
    """A complete set of hyperparameters to compare, with a name."""

    name: str
    hyperparameters: Any  # an instance of the task's dataclass

    def __post_init__(self) -> None:
        for field in ("architecture", "seed"):
            if not hasattr(self.hyperparameters, field):
                raise ValueError(
                    f"hyperparameters have no field {field!r}, which pipelines.task_definition.tuning.Tuning asks for"
                )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """The result of one training."""

    number: int  # 0, 1, …; the same number means the same seed and the same rows
    seconds: float
    parameters: int = 0  # weights that were trained
    predictions: np.ndarray | None = None  # of the held-out rows; None: the training did not finish
    failure: str | None = None  # why it did not finish, in one line


def held_out_fold(number: int) -> int:
    """Return the fold that the trainings of a number hold out: 1, 2, … up to the last, then 1 again.

    Example:
        >>> [held_out_fold(number) for number in range(6)]
        [1, 2, 3, 4, 1, 2]
    """
    others = [fold for fold in range(FOLDS) if fold != SEARCH_FOLD]
    return others[number % len(others)]


def split_fold(rows: TransformedRows, number: int) -> tuple[TransformedRows, TransformedRows]:
    """Return the rows that the trainings of a number learn from, and the rows that they are scored on."""
    return rows.hold_out(FOLDS, held_out_fold(number))


def train_candidates(
    inputs: SearchInputs,
    candidates: Sequence[Candidate],
    seeds: int,
    deadline: Deadline,
    on_training: Callable[[Candidate, Training], None] = lambda candidate, training: None,
) -> dict[str, list[Training]]:
    """Train every candidate with every seed, seed by seed, so that candidates can be compared if time runs out.

    Args:
        inputs: training rows and settings.
        candidates: the candidates to train.
        seeds: number of trainings of each candidate.
        deadline: trainings that have not finished by then are recorded as failed.
        on_training: called after each training.

    Returns:
        The trainings of each candidate by its name.
    """
    trainings: dict[str, list[Training]] = {candidate.name: [] for candidate in candidates}
    for number in range(seeds):
        for candidate in candidates:
            training = _train(inputs, candidate.hyperparameters, number, deadline)
            trainings[candidate.name].append(training)
            on_training(candidate, training)
    return trainings


def finished_by_all(trainings: Mapping[str, Sequence[Training]]) -> list[int]:
    """Return the numbers of the trainings that every candidate finished."""
    numbers = [{training.number for training in found if training.failure is None} for found in trainings.values()]
    return sorted(set.intersection(*numbers)) if numbers else []


def round_values(values: Mapping[str, HyperparameterValue]) -> dict[str, HyperparameterValue]:
    """Return the values with floats rounded to three significant digits, as a person would write them into a file.

    Example:
        >>> round_values({"learning_rate": 0.0123456, "epochs": 8})
        {'learning_rate': 0.0123, 'epochs': 8}
    """
    return {
        name: float(f"{value:.{_SIGNIFICANT}g}") if isinstance(value, float) else value
        for name, value in values.items()
    }


def _train(inputs: SearchInputs, hyperparameters: Any, number: int, deadline: Deadline) -> Training:
    begin = time.monotonic()
    seeded = dataclasses.replace(hyperparameters, seed=hyperparameters.seed + number)
    fitted, scored = split_fold(inputs.rows, number)
    try:
        deadline.check()
        model = inputs.tuning.train(
            seeded, fitted, inputs.transform, inputs.settings, callbacks=[StopAtDeadline(deadline)]
        )
        seconds = time.monotonic() - begin
        predictions = predict(model, scored)
        if not np.isfinite(predictions).all():
            raise NoPredictionError("a prediction is not a number")
    except Exception as error:  # Any error is the training's result; it is logged, and the others continue.
        raise_if_interrupted()
        logging.exception("A training failed.")
        return Training(number=number, seconds=time.monotonic() - begin, failure=explain_in_one_line(error))
    finally:
        keras.utils.clear_session()
    return Training(number=number, seconds=seconds, parameters=_parameters(model), predictions=predictions)


def _parameters(model: keras.Model) -> int:
    return sum(int(np.prod(weight.shape)) for weight in model.weights)
