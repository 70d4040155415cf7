"""The time that a search may take, and what ends a training that takes longer."""

import time
from typing import Any

import keras
from keras_tuner.errors import FailedTrialError


class OutOfTimeError(FailedTrialError):
    """A training was ended because the time for it was over. KerasTuner records it and goes on."""


class Deadline:
    """A point in time."""

    def __init__(self, minutes: float):
        self._minutes = minutes
        self._end = time.monotonic() + 60 * minutes

    @property
    def over(self) -> bool:
        """Whether it has passed."""
        return time.monotonic() > self._end

    def check(self) -> None:
        """Do nothing before it.

        Raises:
            OutOfTimeError: It has passed.
        """
        if self.over:
            raise OutOfTimeError(f"out of time: the {self._minutes:g} minutes were over before it had finished")


class StopAtDeadline(keras.callbacks.Callback):
    """Ends a training at a deadline."""

    def __init__(self, deadline: Deadline):
        super().__init__()
        self._deadline = deadline

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the clock.

        Raises:
            OutOfTimeError: The deadline has passed.
        """
        self._deadline.check()
