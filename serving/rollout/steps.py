"""Take steps forward: pin, canary, promote, and reload. Each is checked, recorded, and completed or undone."""

from collections.abc import Callable

from serving.rollout import preconditions, probes, step_log
from serving.rollout.errors import PreconditionError
from serving.rollout.models_config import CANARY, STABLE, Assignment
from serving.rollout.rollout import Rollout
from serving.rollout.step_log import PROMOTE, RolloutState


def pin(rollout: Rollout) -> None:
    """Keep the version that answers now, under both labels, so that a push alone changes nothing.

    Args:
        rollout: the roll-out.

    Raises:
        PreconditionError: Versions are pinned already, none answers, or the one that answers is not signed.
        FailedError: A server failed; the step was undone.
    """
    preconditions.require_no_unfinished_step(rollout)
    config, before = rollout.config(), rollout.state()
    if config.versions(rollout.model) is not None and config.labels(rollout.model):
        raise PreconditionError(
            f"{rollout.model} is pinned already: {before}. Expected no pinned version; to serve another version, "
            "try it with `canary VERSION`."
        )
    if before.stable is None:
        raise PreconditionError(
            f"no version of {rollout.model} answers on every server: expected one to pin; see `status`."
        )
    preconditions.require_signed(rollout, before.stable)
    after = RolloutState(before.stable, None, 0)
    with rollout.step("pin", before, after):
        move(rollout, before.stable)
    rollout.say(f"done      {after}")


def canary(rollout: Rollout, version: int, percent: float, compare: Callable[[int, int], None] | None = None) -> None:
    """Start a trial of a version: load it next to the stable one, label it, and send it a share of the requests.

    Args:
        rollout: the roll-out.
        version: to try; if it is on trial already, only its share changes.
        percent: of the requests, 0 to 100, that the gateway sends to it.
        compare: takes stable version and canary, and replays requests before clients' requests go to the canary; raises
            DiffersError when the canary differs.

    Raises:
        PreconditionError: Nothing was done.
        FailedError: The version does not load, does not answer, or differs; the step was undone.
    """
    preconditions.require_no_unfinished_step(rollout)
    preconditions.require_pushed(rollout, version)
    before = rollout.state()
    preconditions.require_new_canary(before, version)
    assert before.stable is not None, "may_try refuses that"
    probes.check_contracts(rollout, before.stable, version)
    preconditions.require_servers_in_sync(rollout)
    after = RolloutState(before.stable, version, percent)
    with rollout.step(step_log.CANARY, before, after):
        if version != before.canary:
            _start_trial(rollout, before.stable, version)
        probes.check_label(rollout, CANARY, version)
        if compare:
            compare(before.stable, version)
        rollout.set_traffic(percent)
    if version != before.canary and version > before.stable:
        rollout.say(f"note      requests that name no label get the highest version, which is {version} now")
    rollout.say(f"done      {after}; next: compare, promote or rollback")


def promote(rollout: Rollout, expected: int | None = None) -> None:
    """Make the canary the stable version.

    Args:
        rollout: the roll-out.
        expected: the version that the canary must be; None accepts any.

    Raises:
        PreconditionError: There is no canary or another one, it is not signed, or file and servers differ; nothing was
            done.
        FailedError: A server failed; the step was undone.
    """
    preconditions.require_no_unfinished_step(rollout)
    before = rollout.state()
    _, version = preconditions.versions_on_trial(before)
    if expected is not None:
        preconditions.require_on_trial(before, expected)
    preconditions.require_signed(rollout, version)
    preconditions.require_servers_in_sync(rollout)
    after = RolloutState(version, None, 0)
    with rollout.step(PROMOTE, before, after):
        move(rollout, version)
    rollout.say(f"done      {after}; `rollback` would go back to {before.stable}")


def reload(rollout: Rollout) -> None:
    """Make every server follow models.config, after an edit by hand or a start with another file.

    Args:
        rollout: the roll-out.

    Raises:
        PreconditionError: The last step did not end; nothing was done.
        FailedError: A server refuses the file, or cannot load its versions.
    """
    preconditions.require_no_unfinished_step(rollout)
    config = rollout.config()
    versions = config.versions(rollout.model)
    if versions is None:
        rollout.transition.apply(config)
    else:
        for version in versions:
            preconditions.require_pushed(rollout, version)
        target, transition = Assignment(versions, config.labels(rollout.model)), rollout.transition
        try:
            transition.drop(transition.relabel(transition.load(config, target), target), config)
            transition.apply(config)
        finally:
            config.write()  # keep the operator's text, whatever the result
    rollout.say(f"done      {rollout.state()}")


def move(rollout: Rollout, version: int) -> None:
    """Leave one version, under both labels, and send no request to a canary. Record nothing, and undo nothing.

    Args:
        rollout: the roll-out.
        version: to leave.

    Raises:
        FailedError: The version does not load or answer, or a server failed.
    """
    transition, target = rollout.transition, Assignment.only(version)
    loaded = transition.load(rollout.config(), target)
    probes.check_version(rollout, version)
    labelled = transition.relabel(loaded, target)
    probes.check_label(rollout, STABLE, version)
    rollout.set_traffic(0)
    transition.drop(labelled, labelled.assigning(rollout.model, target))


def _start_trial(rollout: Rollout, stable: int, version: int) -> None:
    transition, target = rollout.transition, Assignment.trial(stable, version)
    loaded = transition.load(rollout.config(), target)
    probes.check_inputs(rollout, stable, version)
    probes.check_version(rollout, version)
    probes.check_like_stable(rollout, stable, version)
    labelled = transition.relabel(loaded, target)
    transition.drop(labelled, labelled.assigning(rollout.model, target))
