"""The way back: from a step that was killed, from a trial, from a promotion."""

from serving.rollout import preconditions, steps
from serving.rollout.errors import PreconditionError
from serving.rollout.rollout import Rollout
from serving.rollout.step_log import ROLLBACK, RolloutState, StepRecord


def rollback(rollout: Rollout) -> None:
    """Repair a step that was killed; or end the trial; or else undoes the last promotion.

    A killed rollback is brought to its end; any other killed step is put back. While a server is down, models.config
    and the traffic already say what is wanted, and the server does it when it starts.

    Raises:
        PreconditionError: There is nothing to go back to; nothing was done.
        FailedError: A server failed.
    """
    if record := rollout.log.unfinished_step(rollout.model):
        _mend(rollout, record)
        return
    before = rollout.state()
    on_trial = before.stable is not None and before.canary is not None
    after = RolloutState(before.stable if on_trial else _promoted_over(rollout, before), None, 0)
    with rollout.step(ROLLBACK, before, after):
        _go_to(rollout, after)
    rollout.say(f"done      {after}")


def mend(rollout: Rollout) -> None:
    """Repair a step that was killed. Under the lock, so that a step without an end is none that runs now.

    Raises:
        PreconditionError: The last step has ended; nothing was done.
        FailedError: A server failed.
    """
    record = rollout.log.unfinished_step(rollout.model)
    if record is None:
        raise PreconditionError(
            f"there is nothing to mend: expected a step without an end in {rollout.log.path}, received none."
        )
    _mend(rollout, record)


def end_trial(rollout: Rollout, version: int) -> None:
    """End the trial of a version.

    Raises:
        PreconditionError: It is not on trial, or the last step did not end; nothing was done.
        FailedError: A server failed.
    """
    preconditions.require_no_unfinished_step(rollout)
    preconditions.require_on_trial(rollout.state(), version)
    rollback(rollout)


def _mend(rollout: Rollout, record: StepRecord) -> None:
    rollout.say(f"mending   {record.command} by {record.who} at {record.time}: {record.result.value}")
    if record.command == ROLLBACK:
        with rollout.ending(record):
            _go_to(rollout, record.after)
    else:
        rollout.put_back(record, "mended by rollback")
    rollout.say(f"done      {rollout.state()}")


def _go_to(rollout: Rollout, state: RolloutState) -> None:
    assert state.stable is not None, "a rollback goes to a version"
    rollout.set_traffic(0)  # first of all, and it stays so even if a server fails then
    steps.move(rollout, state.stable)


def _promoted_over(rollout: Rollout, state: RolloutState) -> int:
    """The version that was stable before the one that is.

    Raises:
        PreconditionError: There is none on record, or it is not on disk any more.
    """
    previous = rollout.log.stable_before(rollout.model, state.stable) if state.stable is not None else None
    if previous is None:
        raise PreconditionError(
            f"there is nothing to go back to: expected a canary, or a promotion to version {state.stable} in "
            f"{rollout.log.path}, received neither ({state}); to go to another version, try it with `canary VERSION`."
        )
    preconditions.require_pushed(rollout, previous)
    return previous
