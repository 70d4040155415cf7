"""Show a roll-out's state: versions on disk and on the servers, models.config, and the log."""

from collections.abc import Sequence

from serving.rollout import preconditions
from serving.rollout.errors import PreconditionError, RolloutError
from serving.rollout.models_config import CANARY, describe_labels
from serving.rollout.rollout import Rollout
from serving.rollout.step_log import StepResult

_STEPS = 10  # the newest steps that are shown
_WIDTH = 80  # limit of a server's or a step's text; the logs have the whole text


def show(rollout: Rollout) -> bool:
    """Show the state.

    Args:
        rollout: the roll-out.

    Returns:
        Whether all is well: every server answers and follows models.config, and the last step has ended.
    """
    config = rollout.config()
    rollout.say(f"{rollout.model} in {rollout.config_path}")
    try:
        on_disk = rollout.versions_on_disk()
        rollout.say(f"on disk   {', '.join(map(str, on_disk)) or 'no version'}")
        _show_refused(rollout, on_disk)
    except PreconditionError as error:
        rollout.say(f"on disk   {error}")
    versions = config.versions(rollout.model)
    rollout.say(
        f"config    {', '.join(map(str, sorted(versions))) if versions is not None else 'not pinned: the newest'}"
    )
    rollout.say(f"labels    {describe_labels(config.labels(rollout.model))}")
    rollout.say(f"traffic   {rollout.traffic():g}% to the {CANARY}")
    well = _show_servers(rollout)
    if record := rollout.log.unfinished_step(rollout.model):
        rollout.say(f"repair    {record.command} is unfinished ({record.result.value}): run `rollback`")
        well = False
    _show_steps(rollout)
    return well


def _show_refused(rollout: Rollout, versions: Sequence[int]) -> None:
    """Show the versions that must not be served. They are no fault of the servers, so `show` may return True."""
    if rollout.verify_keys is not None:
        reasons = [reason for version in versions if (reason := preconditions.why_refused(rollout, version))]
        for reason in reasons:
            rollout.say(f"refused   {reason}")
        rollout.say(f"signed    {len(versions) - len(reasons)} of {len(versions)} versions, by {rollout.verify_keys}")


def _show_servers(rollout: Rollout) -> bool:
    well = True
    for server in rollout.servers:
        try:
            found = server.versions()
        except RolloutError as error:
            rollout.say(f"server    {error}")
            well = False
            continue
        states = ", ".join(f"{version} {_short(str(status))}" for version, status in sorted(found.items()))
        rollout.say(f"server    {server.name}: {states or 'does not know the model'}")
    if well:
        for difference in preconditions.differences(rollout):
            rollout.say(f"differs   {difference}; `reload` makes the servers follow the file")
            well = False
    return well


def _show_steps(rollout: Rollout) -> None:
    ended = [record for record in rollout.log.records(rollout.model) if record.result is not StepResult.STARTED]
    unfinished = rollout.log.unfinished_step(rollout.model)
    if unfinished and unfinished.result is StepResult.STARTED:
        ended.append(unfinished)
    for record in ended[-_STEPS:]:
        what = f"{record.before} → {record.after}" if record.before != record.after else f"{record.before}"
        detail = f": {_short(record.detail)}" if record.detail else ""
        rollout.say(
            f"step      {record.time[:19].replace('T', ' ')} UTC  {record.who}  "
            f"{record.command}: {what}, {record.result.value}{detail}"
        )


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
