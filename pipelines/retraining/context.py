"""What every step of the loop works with, and what it can come to beside the next step."""

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
    """The time, UTC, in whole seconds."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoopContext:
    """The loop of one task."""

    options: ContinuousOptions
    policy: RetrainingPolicy
    say: Callable[[str], None] = lambda line: print(line, flush=True)  # takes a line for the operator
    run: Callable[..., int] = commands.run_command  # takes a package and arguments
    tell: Callable[..., str | None] = commands.tell  # takes a program and a text
    now: Callable[[], datetime.datetime] = utc_now

    @property
    def log(self) -> DecisionLog:
        """The log of decisions."""
        return DecisionLog(self.options.folder)

    def task_options(self) -> list[str]:
        """The options that say which task, and where."""
        return ["--task", self.options.task, "--var", str(self.options.var)]

    def notify(self, text: str) -> bool:
        """Tells those whom the policy names; says so if that fails. Returns whether it went well."""
        if not self.policy.tell:
            return True
        failure = self.tell(self.policy.tell, text + "\n")
        if failure is not None:
            self.say(f"not told   {failure}: {text}")
        return failure is None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Failed:
    """The step failed; it is tried again later."""

    why: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Paused:
    """The step waits; the next call begins with it."""

    why: str
    status: int = 0  # exit status of this call


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ended:
    """The pass is at its end."""

    status: int  # exit status


StepResult = Journal | Failed | Paused | Ended


def advance(journal: Journal, step: Step, **changes: Any) -> Journal:
    """The journal with another step next, which was not tried yet."""
    fresh: dict[str, Any] = {"step": step, "attempts": 0, "not_before": None}
    return dataclasses.replace(journal, **(fresh | changes))


def finish(journal: Journal, outcome: str, detail: str) -> Journal:
    """The journal with its outcome, to be recorded next."""
    return advance(journal, Step.FINISH, outcome=outcome, detail=detail)
