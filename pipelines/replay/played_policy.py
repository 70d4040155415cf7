"""Adapt the task's retraining policy to a replay, in which a quarter takes a minute."""

import dataclasses

from pipelines.replay.errors import ReplayError
from pipelines.retraining.policy import AUTO, Limits, RetrainingPolicy

_SOON = "1s"


def compress_policy(policy: RetrainingPolicy, seconds: int, spans: int) -> RetrainingPolicy:
    """Return the policy of one pass.

    The window and the cool-down become the length of the played span, the trial's length and the back-off a second. The
    task's other triggers and the trial's limits stay. The schedule is removed, because it would be due in every span
    regardless of the traffic. Versions are promoted without asking, and no one is notified.

    Args:
        policy: of the task.
        seconds: since the span's first row was sent.
        spans: number of spans in the whole replay; the limit of trainings per month, because all fall in one month.

    Raises:
        ReplayError: The policy has no trigger except its schedule.
    """
    length = f"{max(1, seconds)}s"
    try:
        due = dataclasses.replace(policy.due, schedule=None)
    except ValueError as error:
        raise ReplayError(f"retraining.toml: a replay needs a trigger other than the schedule: {error}") from error
    return dataclasses.replace(
        policy,
        policy=AUTO,
        due=due,
        window=length,
        limits=Limits(cool_down=length, trainings_a_month=spans),
        trial=dataclasses.replace(policy.trial, length=_SOON),
        retry=dataclasses.replace(policy.retry, back_off=_SOON),
        tell=(),
    )
