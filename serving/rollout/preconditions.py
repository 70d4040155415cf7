"""What is refused before a server is asked."""

from serving.rollout.errors import RefusedError
from serving.rollout.rollout import Rollout
from serving.rollout.step_log import State

_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt")


def finished(rollout: Rollout) -> None:
    """Refuses to go on where the last command was killed or could not put things back.

    Raises:
        RefusedError: So it was.
    """
    if record := rollout.log.unfinished(rollout.model):
        raise RefusedError(
            f"the last step did not end well: {record.command} by {record.who} at {record.time}, from {record.before} "
            f"to {record.after}, {record.result.value}{f' ({record.detail})' if record.detail else ''}. `rollback` "
            "mends it; then try again."
        )


def in_step(rollout: Rollout) -> None:
    """Refuses to go on where a server does something else than models.config says.

    Raises:
        RefusedError: So it is.
    """
    if found := differences(rollout):
        raise RefusedError(
            f"a server does not do what {rollout.config_path} says: {'; '.join(found)}. Was it started with another "
            "file, or the file edited by hand? `reload` makes the servers do what the file says; then try again."
        )


def differences(rollout: Rollout) -> list[str]:
    """Where a server does something else than models.config says, in words."""
    config = rollout.config()
    versions = config.versions(rollout.model)
    found = [
        f"{server.name} has {_listed(server.available())}, expected {_listed(versions)}"
        for server in rollout.servers
        if versions is not None and server.available() != versions
    ]
    return found + rollout.transition.astray(config.labels(rollout.model))


def pushed(rollout: Rollout, version: int) -> None:
    """Refuses a version that is not on disk.

    Raises:
        RefusedError: Its folder is not there or holds no SavedModel.
    """
    versions = rollout.versions_on_disk()
    if version not in versions:
        raise RefusedError(
            f"there is no version {version} of {rollout.model}: expected one of {_listed(versions)} (the folders in "
            f"{rollout.versions_folder}); push it first."
        )
    folder = rollout.versions_folder / str(version)
    if not any((folder / name).is_file() for name in _MODEL_FILES):
        raise RefusedError(
            f"{folder} holds no SavedModel: expected {' or '.join(_MODEL_FILES)}, received "
            f"{', '.join(sorted(entry.name for entry in folder.iterdir())) or 'an empty folder'}; push it again."
        )


def may_try(state: State, version: int) -> None:
    """Refuses a canary that could not be told from the stable version, or that is not the only one.

    Raises:
        RefusedError: So it is.
    """
    if state.stable is None:
        raise RefusedError("no version answers, so there is nothing to try a canary against: start the server on one.")
    if version == state.stable:
        raise RefusedError(
            f"version {version} is stable already: expected another one. If models.config follows the newest version, "
            "`pin` the version that answers before the next one is pushed."
        )
    if state.canary not in (None, version):
        raise RefusedError(
            f"version {state.canary} is on trial already, with {state.percent:g}% of the requests: expected no other "
            f"canary beside it; `promote` it or `rollback` first."
        )


def on_trial(state: State) -> tuple[int, int]:
    """The stable version and the canary.

    Raises:
        RefusedError: There is no canary.
    """
    if state.stable is None or state.canary is None:
        raise RefusedError(
            f"no version is on trial: expected a canary beside {state}; start one with `canary VERSION`."
        )
    return state.stable, state.canary


def _listed(versions: object) -> str:
    return ", ".join(str(version) for version in sorted(versions)) if versions else "no version"  # type: ignore[call-overload]
