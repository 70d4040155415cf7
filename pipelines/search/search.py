"""Search a task's hyperparameters with KerasTuner's Bayesian optimisation, within a budget.

The training rows are divided into FOLDS equal folds. A trial trains on all except one, as run_fn would, and is scored
on that one; the eval split is never read. Later comparisons of candidates use the other folds, on which no trial was
scored, so a candidate that was only lucky in the search gains nothing (pipelines.search.trainings).

The first trial has the committed values. The next ones have random values, then those for which a Gaussian process
over the scores so far expects the most, including its uncertainty (Snoek et al. 2012, "Practical Bayesian
Optimization of Machine Learning Algorithms", arXiv:1206.2944).
"""

import dataclasses
import math
import time
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import tensorflow_transform as tft
from absl import logging
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial as KerasTrial
from keras_tuner.engine.trial import TrialStatus
from keras_tuner.errors import FailedTrialError

from pipelines.config import TrainerConfig, TunerConfig
from pipelines.explain import explain_in_one_line
from pipelines.modeling.hyperparameters import parse_hyperparameters
from pipelines.modeling.transformed_rows import TransformedRows
from pipelines.search.deadline import Deadline, StopAtDeadline
from pipelines.search.scoring import loss, predict
from pipelines.task_definition.tuning import Tuning
from serving.process_control import raise_if_interrupted

FOLDS = 5  # of the training rows
SEARCH_FOLD = 0  # the fold that trials are scored on
_OBJECTIVE = keras_tuner.Objective("loss", "min")
_SEED = 1
_NOISE = 0.05  # of a score, as a share of the scores' variance: about the change by another seed


class SearchError(RuntimeError):
    """No trial of a search finished."""


class NoLossError(FailedTrialError):
    """A trial's loss is not a number."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchInputs:
    """Training rows and settings, the same for all models that are compared."""

    tuning: Tuning
    problem: str  # one of pipelines.task_definition.problem.PROBLEMS
    rows: TransformedRows  # the training split
    transform: tft.TFTransformOutput
    settings: TrainerConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
    """The outcome of training with one set of values."""

    number: int  # 1, 2, …
    values: dict[str, Any]
    loss: float | None  # None: the trial did not finish
    seconds: float
    failure: str | None  # why it did not finish, in one line


class SearchTuner(BaseTuner):
    """A KerasTuner tuner that trains with the task's own `train`; TFX's Tuner can run it."""

    def __init__(self, inputs: SearchInputs, committed: Any, budget: TunerConfig, directory: str | Path):
        """Create the tuner.

        Args:
            inputs: training rows and settings.
            committed: the values to start with; their architecture is the one that is searched.
            budget: limits of trials and minutes.
            directory: folder for KerasTuner's state; its content is overwritten.
        """
        self._inputs = inputs
        self._deadline = Deadline(budget.minutes)
        self._seconds: dict[str, float] = {}
        self._failures: dict[str, str] = {}
        oracle = _Oracle(self._deadline, _space(inputs.tuning, committed), budget.trials)
        super().__init__(oracle, directory=str(directory), project_name="search", overwrite=True)

    def run_trial(self, trial: KerasTrial, **_: Any) -> dict[str, float]:
        """Train with one set of values.

        Returns:
            The loss, by the objective's name.

        Raises:
            OutOfTimeError: The time was over.
            NoLossError: The loss is not a finite number.
            Exception: Any error of the training. KerasTuner records it and continues.
        """
        begin = time.monotonic()
        try:
            return {_OBJECTIVE.name: self._score(trial.hyperparameters.values)}
        except Exception as error:
            raise_if_interrupted()  # An interrupt is not a failure of the trial, and ends the search.
            self._failures[trial.trial_id] = explain_in_one_line(error)
            logging.exception("Trial %s failed.", trial.trial_id)
            raise
        finally:
            self._seconds[trial.trial_id] = time.monotonic() - begin
            keras.utils.clear_session()

    def on_search_end(self) -> None:
        """Check that the search has a result.

        Raises:
            SearchError: No trial finished.
        """
        trials = self.trials()
        if not any(trial.loss is not None for trial in trials):
            reasons = "; ".join(dict.fromkeys(str(trial.failure) for trial in trials)) or "there was no time for one"
            raise SearchError(
                f"no trial of {len(trials)} finished: {reasons}. Allow more minutes, or correct the search space."
            )

    def trials(self) -> list[Trial]:
        """Return all trials that were started, in their order."""
        return [
            Trial(
                number=number,
                values=dict(trial.hyperparameters.values),
                loss=trial.score if trial.status == TrialStatus.COMPLETED else None,
                seconds=self._seconds.get(trial.trial_id, 0.0),
                failure=self._failures.get(trial.trial_id),
            )
            for number, trial in enumerate(self.oracle.trials.values(), start=1)
        ]

    def _score(self, values: dict[str, Any]) -> float:
        inputs = self._inputs
        fitted, scored = inputs.rows.hold_out(FOLDS, SEARCH_FOLD)
        model = inputs.tuning.train(
            parse_hyperparameters(values, inputs.tuning.hyperparameters, "the trial's values"),
            fitted,
            inputs.transform,
            inputs.settings,
            callbacks=[StopAtDeadline(self._deadline)],
        )
        found = loss(inputs.problem, scored, predict(model, scored))
        if not math.isfinite(found):
            raise NoLossError(f"the loss is {found}")
        return found


class _Oracle(keras_tuner.oracles.BayesianOptimizationOracle):
    """KerasTuner's Bayesian oracle, but it starts with the committed values and ends at the deadline."""

    def __init__(self, deadline: Deadline, space: keras_tuner.HyperParameters, trials: int):
        super().__init__(
            objective=_OBJECTIVE,
            max_trials=trials,
            num_initial_points=max(3, trials // 3),
            alpha=_NOISE,
            seed=_SEED,
            hyperparameters=space,
            allow_new_entries=False,
            tune_new_entries=False,
            max_consecutive_failed_trials=trials + 1,  # a failure never ends the search
        )
        self._deadline = deadline
        self.verbose = 0

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Choose the values of the next trial: first the committed ones, then those of KerasTuner."""
        if self._deadline.over:
            return {"status": TrialStatus.STOPPED}
        if not self.trials:
            return {"status": TrialStatus.RUNNING, "values": dict(self.hyperparameters.values)}
        return super().populate_space(trial_id)


def run_search(inputs: SearchInputs, committed: Any, budget: TunerConfig, directory: str | Path) -> list[Trial]:
    """Search the hyperparameters of one architecture.

    Args:
        inputs: training rows and settings.
        committed: the values to start with; their architecture is the one that is searched.
        budget: limits of trials and minutes.
        directory: folder for temporary files.

    Returns:
        All trials, in their order.

    Raises:
        SearchError: No trial finished.
    """
    tuner = SearchTuner(inputs, committed, budget, directory)
    tuner.search(verbose=0)
    return tuner.trials()


def best_trials(trials: list[Trial], count: int) -> list[Trial]:
    """Return the trials with the lowest losses, lowest first."""
    finished = [trial for trial in trials if trial.loss is not None]
    return sorted(finished, key=lambda trial: (trial.loss, trial.number))[:count]


def _space(tuning: Tuning, committed: Any) -> keras_tuner.HyperParameters:
    """Return the space that the task searches; all other values are fixed at the committed ones."""
    space = keras_tuner.HyperParameters()
    tuning.search_space(space, committed)
    for name, value in dataclasses.asdict(committed).items():
        if name not in space.values:
            space.Fixed(name, value)
    return space
