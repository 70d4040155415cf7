"""Roll back: repair a killed step, end a trial, or undo a promotion."""

from serving.rollout import preconditions, steps
from serving.rollout.errors import PreconditionError
from serving.rollout.rollout import Rollout
from serving.rollout.step_log import ROLLBACK, RolloutState, StepRecord


def rollback(rollout: Rollout) -> None:
    """Repair a killed step, or else end the trial, or else undo the last promotion.

    A killed rollback is completed; any other killed step is undone. While a server is down, models.config and
    traffic.json already hold the target state, and the server adopts it when it starts.

    Args:
        rollout: the roll-out.

    Raises:
        PreconditionError: There is nothing to roll back; nothing was done.
        FailedError: A server failed.
    """
    if record := rollout.log.unfinished_step(rollout.model):
        _repair(rollout, record)
        return
    before = rollout.state()
    on_trial = before.stable is not None and before.canary is not None
    after = RolloutState(before.stable if on_trial else _promoted_over(rollout, before), None, 0)
    with rollout.step(ROLLBACK, before, after):
        _go_to(rollout, after)
    rollout.say(f"done      {after}")


def repair(rollout: Rollout) -> None:
    """Repair a killed step. Call it under the lock, so that no unfinished step is still running.

    Args:
        rollout: the roll-out.

    Raises:
        PreconditionError: The last step has ended; nothing was done.
        FailedError: A server failed.
    """
    record = rollout.log.unfinished_step(rollout.model)
    if record is None:
        raise PreconditionError(
            f"there is nothing to repair: expected an unfinished step in {rollout.log.path}, received none."
        )
    _repair(rollout, record)


def end_trial(rollout: Rollout, version: int) -> None:
    """End the trial of a version.

    Args:
        rollout: the roll-out.
        version: the version's number.

    Raises:
        PreconditionError: The version is not on trial, or the last step did not end; nothing was done.
        FailedError: A server failed.
    """
    preconditions.require_no_unfinished_step(rollout)
    preconditions.require_on_trial(rollout.state(), version)
    rollback(rollout)


def _repair(rollout: Rollout, record: StepRecord) -> None:
    rollout.say(f"repairing {record.command} by {record.who} at {record.time}: {record.result.value}")
    if record.command == ROLLBACK:
        with rollout.ending(record):
            _go_to(rollout, record.after)
    else:
        rollout.put_back(record, "repaired by rollback")
    rollout.say(f"done      {rollout.state()}")


def _go_to(rollout: Rollout, state: RolloutState) -> None:
    assert state.stable is not None, "a rollback goes to a version"
    rollout.set_traffic(0)  # first, so that it holds even if a server fails later
    steps.move(rollout, state.stable)


def _promoted_over(rollout: Rollout, state: RolloutState) -> int:
    """Return the version that was stable before the current one.

    Raises:
        PreconditionError: The log names none, or it is no longer on disk.
    """
    previous = rollout.log.stable_before(rollout.model, state.stable) if state.stable is not None else None
    if previous is None:
        raise PreconditionError(
            f"there is nothing to roll back: expected a canary, or a promotion to version {state.stable} in "
            f"{rollout.log.path}, received neither ({state}); to serve another version, try it with `canary VERSION`."
        )
    preconditions.require_pushed(rollout, previous)
    return previous
