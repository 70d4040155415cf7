"""Read retraining.toml: when a task is retrained, and how a new model is tried and promoted."""

import dataclasses
import importlib.util
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

from pipelines.production_metrics.windows import parse_length
from pipelines.spans.selection import SpanSelection
from pipelines.task_definition.lookup import RETRAINING_FILE, task_module
from pipelines.task_definition.toml_table import TableError, read_toml

AUTO: Final = "auto"
ASK: Final = "ask"
REPORT: Final = "report"


class PolicyError(TableError):
    """A task has no retraining.toml, or the file cannot be used."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Due:
    """The triggers that make a training due; one of them is enough."""

    schedule: str | None = None  # when this much time has passed since the last training
    drift: bool = False  # when monitoring raises an alarm
    performance: bool = False  # when a production metric is worse than promised, by more than chance
    new_rows: int | None = None  # when this many labelled rows are accepted that the last training did not have

    def __post_init__(self) -> None:
        if self.schedule is not None:
            _check_length("schedule", self.schedule)
        if self.new_rows is not None and self.new_rows < 1:
            raise ValueError(f"new_rows: expected 1 or more, received {self.new_rows}")
        if self.schedule is None and not self.drift and not self.performance and self.new_rows is None:
            raise ValueError("expected schedule, drift, performance or new_rows, received none: nothing would be due")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits that hold back a training that is due."""

    cool_down: str = "7d"  # least time since the last training began
    trainings_a_month: int = 4  # most trainings by this loop in a calendar month (UTC)

    def __post_init__(self) -> None:
        _check_length("cool_down", self.cool_down)
        if self.trainings_a_month < 0:
            raise ValueError(f"trainings_a_month: expected 0 or more, received {self.trainings_a_month}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
    """The trial of a new version, as a canary."""

    percent: float = 10.0  # of the requests, which the new version gets
    length: str = "1h"  # least time that the trial lasts
    # The options of `rollout compare` (docs/how-to/rollout.md): a version that differs more is rolled back. None: its
    # default, which depends on the predictions.
    min_rows: int = 100
    mean_difference: float | None = None
    p95_difference: float | None = None
    changed_decisions: float = 0.05

    def __post_init__(self) -> None:
        _check_length("length", self.length)
        if self.min_rows < 1:
            raise ValueError(f"min_rows: expected 1 or more, received {self.min_rows}")
        for name in ("mean_difference", "p95_difference", "changed_decisions"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name}: expected 0 or more, received {value:g}")
        if not 0 < self.percent <= 100:
            raise ValueError(f"percent: expected more than 0 and 100 at most, received {self.percent:g}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Retry:
    """How often a failed step is retried, and after which time."""

    attempts: int = 3  # in all, the first included
    back_off: str = "15m"  # wait before the second attempt; doubled before each further one

    def __post_init__(self) -> None:
        _check_length("back_off", self.back_off)
        if not 1 <= self.attempts <= 20:
            raise ValueError(f"attempts: expected 1 to 20, received {self.attempts}")

    def wait(self, attempts: int) -> timedelta:
        """Return how long to wait after a number of failed attempts.

        Args:
            attempts: 1 or more.

        Example:
            >>> [str(Retry(back_off="15m").wait(attempts)) for attempts in (1, 2, 3)]
            ['0:15:00', '0:30:00', '1:00:00']
        """
        return parse_length(self.back_off) * 2 ** (attempts - 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RetrainingPolicy:
    """The content of retraining.toml."""

    policy: Literal["auto", "ask", "report"]  # promote by itself; let a person promote; only report what is due
    spans: str  # to train on, as for `run --spans`
    due: Due
    # Ingest the rows of the request log whose outcome is known: a span for each day, month or quarter; None: do not.
    from_log: Literal["day", "month", "quarter"] | None = None
    evaluate_on: Literal["chosen", "newest"] = "newest"
    push_ties: bool = True  # push a model that is as good as the one that answers: it was trained on newer rows
    window: str = "7d"  # of monitor and of production-metrics
    limits: Limits = dataclasses.field(default_factory=Limits)
    trial: Trial = dataclasses.field(default_factory=Trial)
    retry: Retry = dataclasses.field(default_factory=Retry)
    tell: tuple[str, ...] = ()  # program and arguments that notify people; gets the message on standard input

    def __post_init__(self) -> None:
        SpanSelection.parse(self.spans)
        _check_length("window", self.window)
        cool_down = self.limits.cool_down
        looks = self.due.drift or self.due.performance
        if looks and parse_length(cool_down) < parse_length(self.window):
            raise ValueError(
                f"limits.cool_down: expected the window ({self.window}) at least, received {cool_down}: rows that were "
                "answered before a training would make the next one due"
            )


def read_policy(task: str) -> RetrainingPolicy:
    """Return a task's retraining.toml, without importing the task.

    Args:
        task: its name, or a dotted package.

    Raises:
        PolicyError: The file is missing, a key is missing or unknown, or a value cannot be used.
        TaskError: There is no such task.
    """
    spec = importlib.util.find_spec(task_module(task))
    assert spec is not None, "task_module found it"
    assert spec.origin is not None, "a module named task is a file"
    path = Path(spec.origin).with_name(RETRAINING_FILE)
    try:
        return read_toml(path, RetrainingPolicy)
    except FileNotFoundError as error:
        raise PolicyError(
            f"{path} is not there: expected the policy by which {task} is retrained; write it as "
            "docs/how-to/operate.md describes"
        ) from error
    except TableError as error:
        raise PolicyError(str(error)) from error


def _check_length(name: str, text: str) -> None:
    try:
        parse_length(text)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{name}: {error}") from error
