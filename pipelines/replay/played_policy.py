"""The task's retraining policy for a time in which a quarter takes a minute."""

import dataclasses

from pipelines.replay.errors import ReplayError
from pipelines.retraining.policy import AUTO, Limits, RetrainingPolicy

_SOON = "1s"


def compress_policy(policy: RetrainingPolicy, seconds: int, spans: int) -> RetrainingPolicy:
    """The policy of one pass.

    What it says in weeks and days becomes the length of the played span, its own triggers and the limits of the trial
    stay. There is no schedule: it would be due in every span, whatever the traffic says.

    Args:
        policy: of the task.
        seconds: since the span's first row was sent.
        spans: of the whole replay; so many trainings may be in a month, in which all of them are played.

    Raises:
        ReplayError: The policy has no other trigger than its schedule.
    """
    length = f"{max(1, seconds)}s"
    try:
        due = dataclasses.replace(policy.due, schedule=None)
    except ValueError as error:
        raise ReplayError(f"retraining.toml: a replay plays no schedule: {error}") from error
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
