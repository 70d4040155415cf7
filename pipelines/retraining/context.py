"""The context that every step of the loop receives, and the results that a step can return."""

import dataclasses
import datetime
from collections.abc import Callable
from typing import Any

from pipelines.retraining import commands
from pipelines.retraining.decision_log import DecisionLog
from pipelines.retraining.journal import Journal, Step
from pipelines.retraining.options import ContinuousOptions
from pipelines.retraining.policy import RetrainingPolicy

BUSY = 2  # exit status of a command that found the folder in use, or could not understand its options


def utc_now() -> datetime.datetime:
    """Return the time in UTC, in whole seconds."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoopContext:
    """The options and the policy of one task's loop, and the functions through which steps act."""

    options: ContinuousOptions
    policy: RetrainingPolicy
    say: Callable[[str], None] = lambda line: print(line, flush=True)  # prints a line for the operator
    run: Callable[..., int] = commands.run_command  # runs a command; takes a package and arguments
    tell: Callable[..., str | None] = commands.tell  # notifies people; takes a program and a text
    now: Callable[[], datetime.datetime] = utc_now

    @property
    def log(self) -> DecisionLog:
        """The log of decisions."""
        return DecisionLog(self.options.folder)

    def task_options(self) -> list[str]:
        """Return the options that name the task and the folder."""
        return ["--task", self.options.task, "--var", str(self.options.var)]

    def notify(self, text: str) -> bool:
        """Send a text to the policy's program; print a line if that fails. Return whether it succeeded."""
        if not self.policy.tell:
            return True
        failure = self.tell(self.policy.tell, text + "\n")
        if failure is not None:
            self.say(f"not told   {failure}: {text}")
        return failure is None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Failed:
    """The step failed; it is retried later."""

    why: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Paused:
    """The step has to wait; the next call begins with it."""

    why: str
    status: int = 0  # exit status of this call


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ended:
    """The pass has ended."""

    status: int  # exit status


StepResult = Journal | Failed | Paused | Ended


def advance(journal: Journal, step: Step, **changes: Any) -> Journal:
    """Return the journal with `step` as its next step, not attempted yet, and other changed fields."""
    fresh: dict[str, Any] = {"step": step, "attempts": 0, "not_before": None}
    return dataclasses.replace(journal, **(fresh | changes))


def finish(journal: Journal, outcome: str, detail: str) -> Journal:
    """Return the journal with its outcome, which the next step records."""
    return advance(journal, Step.FINISH, outcome=outcome, detail=detail)
