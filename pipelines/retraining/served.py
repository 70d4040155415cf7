"""Which version answers, and which is on trial: models.config and the log of roll-outs, without asking a server."""

import dataclasses
import datetime
from pathlib import Path

from pipelines.retraining.options import ContinuousOptions
from serving.rollout import step_log
from serving.rollout.models_config import CANARY, STABLE, ModelsConfig
from serving.rollout.step_log import StepLog, StepResult


@dataclasses.dataclass(frozen=True, kw_only=True)
class RolledOut:
    """What models.config says of the model."""

    stable: str | None = None  # None: it pins no version, the newest answers
    canary: str | None = None  # None: no trial
    unfinished: str | None = None  # the command of a step that was killed
    comparisons: int = 0  # that were recorded
    worse: str | None = None  # of the last comparison, if it found the canary worse: why
    unjudged: str | None = None  # of the last comparison, if it had too few requests, or none: why


def read_rolled_out(options: ContinuousOptions) -> RolledOut:
    """Reads what is rolled out.

    Raises:
        PreconditionError: models.config or the log of roll-outs cannot be understood.
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
        worse=last if last.startswith(f"canary {canary} {step_log.WORSE}") else None,
        unjudged=last if last.startswith(f"canary {canary} {step_log.UNJUDGED}") else None,
    )


def find_serving_version(options: ContinuousOptions) -> str | None:
    """The version that answers: the stable one, or else the newest that was pushed; None where there is none.

    Raises:
        PreconditionError: models.config or the log of roll-outs cannot be understood.
    """
    return read_rolled_out(options).stable or max(list_pushed(options), key=int, default=None)


def was_tried(options: ContinuousOptions, version: str, since: datetime.datetime) -> bool:
    """Whether a version was put on trial at a time or later, whatever became of it.

    Raises:
        PreconditionError: The log of roll-outs cannot be understood.
    """
    return any(
        (record.command, record.result, str(record.after.canary)) == (step_log.CANARY, StepResult.DONE, version)
        and datetime.datetime.fromisoformat(record.time) >= since
        for record in StepLog(options.models_config.with_name(step_log.NAME)).records(options.name)
    )


def list_pushed(options: ContinuousOptions) -> list[str]:
    """The versions that were pushed below `var`."""
    folder: Path = options.var / "serving" / options.name
    return [path.name for path in folder.iterdir() if path.name.isdecimal()] if folder.is_dir() else []
