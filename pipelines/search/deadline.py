"""Limit the time of a search, and end a training that takes longer."""

import time
from typing import Any

import keras
from keras_tuner.errors import FailedTrialError


class OutOfTimeError(FailedTrialError):
    """A training was ended because its time was over. KerasTuner records it and continues."""


class Deadline:
    """The end of a number of minutes that begin when this object is created."""

    def __init__(self, minutes: float):
        self._minutes = minutes
        self._end = time.monotonic() + 60 * minutes

    @property
    def over(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() > self._end

    def check(self) -> None:
        """Raise an error if the deadline has passed.

        Raises:
            OutOfTimeError: The deadline has passed.
        """
        if self.over:
            raise OutOfTimeError(f"out of time: the {self._minutes:g} minutes were over before it had finished")


class StopAtDeadline(keras.callbacks.Callback):
    """End a training at a deadline."""

    def __init__(self, deadline: Deadline):
        super().__init__()
        self._deadline = deadline

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Check the deadline.

        Raises:
            OutOfTimeError: The deadline has passed.
        """
        self._deadline.check()
