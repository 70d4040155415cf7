"""Find the version that answers and the one on trial in models.config and the log of roll-outs, without a server."""

import dataclasses
import datetime
from pathlib import Path

from pipelines.retraining.options import ContinuousOptions
from serving.rollout import step_log
from serving.rollout.models_config import CANARY, STABLE, ModelsConfig
from serving.rollout.step_log import StepLog, StepResult

_DIFFERENT = (step_log.DIFFERS, step_log.WORSE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RolledOut:
    """The model's state in models.config and in the log of roll-outs."""

    stable: str | None = None  # None: no version is pinned, the newest answers
    canary: str | None = None  # None: no version is on trial
    unfinished: str | None = None  # the command of a step that was killed
    comparisons: int = 0  # in the log
    differs: str | None = None  # why the last comparison found the canary different; None: it did not
    unjudged: str | None = None  # why the last comparison could not judge, such as few requests; None: it could


def read_rolled_out(options: ContinuousOptions) -> RolledOut:
    """Read models.config and the log of roll-outs.

    Args:
        options: of the command.

    Returns:
        The model's state.

    Raises:
        PreconditionError: models.config or the log of roll-outs cannot be read.
    """
    path = options.models_config
    if not path.exists():
        return RolledOut()
    config = ModelsConfig.read(path)
    if options.name not in [one.name for one in config.message.model_config_list.config]:
        return RolledOut()
    log = StepLog(path.with_name(step_log.NAME))
    labels, unfinished = config.labels(options.name), log.unfinished_step(options.name)
    stable, canary = labels.get(STABLE), labels.get(CANARY)
    compared = [record.detail for record in log.records(options.name) if record.command == step_log.COMPARE]
    last = compared[-1] if compared else ""
    return RolledOut(
        stable=None if stable is None else str(stable),
        canary=None if canary in (None, stable) else str(canary),
        unfinished=None if unfinished is None else unfinished.command,
        comparisons=len(compared),
        differs=last if last.startswith(tuple(f"canary {canary} {word}" for word in _DIFFERENT)) else None,
        unjudged=last if last.startswith(f"canary {canary} {step_log.UNJUDGED}") else None,
    )


def find_serving_version(options: ContinuousOptions) -> str | None:
    """Return the version that answers: the stable one, or the newest if none is pinned; None: there is none.

    Args:
        options: of the command.

    Raises:
        PreconditionError: models.config or the log of roll-outs cannot be read.
    """
    return read_rolled_out(options).stable or max(list_pushed(options), key=int, default=None)


def was_tried(options: ContinuousOptions, version: str, since: datetime.datetime) -> bool:
    """Return whether a version was put on trial at a time or later, also if the trial has ended.

    Args:
        options: of the command.
        version: the version.
        since: UTC.

    Raises:
        PreconditionError: The log of roll-outs cannot be read.
    """
    return any(
        (record.command, record.result, str(record.after.canary)) == (step_log.CANARY, StepResult.DONE, version)
        and datetime.datetime.fromisoformat(record.time) >= since
        for record in StepLog(options.models_config.with_name(step_log.NAME)).records(options.name)
    )


def list_pushed(options: ContinuousOptions) -> list[str]:
    """Return the versions that were pushed below `var`, in no order."""
    folder: Path = options.var / "serving" / options.name
    return [path.name for path in folder.iterdir() if path.name.isdecimal()] if folder.is_dir() else []
