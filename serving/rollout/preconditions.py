"""Check preconditions before a command changes a server."""

from collections.abc import Collection

from serving.rollout.errors import PreconditionError
from serving.rollout.rollout import Rollout
from serving.rollout.step_log import RolloutState
from serving.signing.errors import RefusedVersionError, SigningError
from serving.signing.keys import TrustedKeys
from serving.signing.verification import verify

_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt")


def require_no_unfinished_step(rollout: Rollout) -> None:
    """Require that the last step ended: it was not killed, and all servers received it.

    Args:
        rollout: the roll-out.

    Raises:
        PreconditionError: The last step did not end.
    """
    if record := rollout.log.unfinished_step(rollout.model):
        raise PreconditionError(
            f"the last step is unfinished: {record.command} by {record.who} at {record.time}, from {record.before} "
            f"to {record.after}, {record.result.value}{f' ({record.detail})' if record.detail else ''}. Repair it with "
            "`rollback`; then try again."
        )


def require_servers_in_sync(rollout: Rollout) -> None:
    """Require that every server has the versions and labels that models.config names.

    Args:
        rollout: the roll-out.

    Raises:
        PreconditionError: A server differs from models.config.
    """
    if found := differences(rollout):
        raise PreconditionError(
            f"a server differs from {rollout.config_path}: {'; '.join(found)}. It may have been started with another "
            "file, or the file was edited by hand. Run `reload` to make the servers follow the file; then try again."
        )


def differences(rollout: Rollout) -> list[str]:
    """Describe where a server differs from models.config; empty when all are in sync."""
    config = rollout.config()
    versions = config.versions(rollout.model)
    found = [
        f"{server.name} has {_listed(server.available())}, expected {_listed(versions)}"
        for server in rollout.servers
        if versions is not None and server.available() != versions
    ]
    return found + rollout.transition.misrouted_labels(config.labels(rollout.model))


def require_pushed(rollout: Rollout, version: int) -> None:
    """Require that a version is on disk, and signed if keys were given.

    Args:
        rollout: the roll-out.
        version: the version's number.

    Raises:
        PreconditionError: The version's folder is missing, holds no SavedModel, or must not be served.
    """
    versions = rollout.versions_on_disk()
    if version not in versions:
        raise PreconditionError(
            f"there is no version {version} of {rollout.model}: expected one of {_listed(versions)} (the folders in "
            f"{rollout.versions_folder}); push it first."
        )
    folder = rollout.versions_folder / str(version)
    if not any((folder / name).is_file() for name in _MODEL_FILES):
        raise PreconditionError(
            f"{folder} holds no SavedModel: expected {' or '.join(_MODEL_FILES)}, received "
            f"{', '.join(sorted(entry.name for entry in folder.iterdir())) or 'an empty folder'}; push it again."
        )

    require_signed(rollout, version)


def require_signed(rollout: Rollout, version: int) -> None:
    """Require, if keys were given, that a trusted key signed a version and that its files are unchanged.

    Args:
        rollout: the roll-out.
        version: the version's number.

    Raises:
        PreconditionError: The signature is missing or invalid, or the keys cannot be used.
    """
    if reason := why_refused(rollout, version):
        raise PreconditionError(reason)


def why_refused(rollout: Rollout, version: int) -> str:
    """Return why a version must not be served; empty if it may be, or if no keys were given."""
    if rollout.verify_keys is None:
        return ""
    folder = rollout.versions_folder / str(version)
    try:
        verify(folder, model=rollout.model, number=version, keys=TrustedKeys.read(rollout.verify_keys))
    except RefusedVersionError as error:
        return str(error)
    except SigningError as error:
        return f"--verify-keys: {error}"
    return ""


def require_new_canary(state: RolloutState, version: int) -> None:
    """Require that a version can become the canary: it is not stable, and no other canary is on trial.

    Args:
        state: of the roll-out.
        version: the version's number.

    Raises:
        PreconditionError: No version answers, the version is stable already, or another canary is on trial.
    """
    if state.stable is None:
        raise PreconditionError(
            "no version answers: expected a stable version to try the canary against; start the server on one."
        )
    if version == state.stable:
        raise PreconditionError(
            f"version {version} is stable already: expected another version. If models.config follows the newest "
            "version, `pin` the version that answers before you push the next one."
        )
    if state.canary not in (None, version):
        raise PreconditionError(
            f"version {state.canary} is on trial already, with {state.percent:g}% of the requests: expected no other "
            f"canary; `promote` it or `rollback` first."
        )


def versions_on_trial(state: RolloutState) -> tuple[int, int]:
    """Return the stable version and the canary.

    Args:
        state: of the roll-out.

    Returns:
        The two versions.

    Raises:
        PreconditionError: There is no canary.
    """
    if state.stable is None or state.canary is None:
        raise PreconditionError(
            f"no version is on trial: expected a canary, received {state}; start one with `canary VERSION`."
        )
    return state.stable, state.canary


def require_on_trial(state: RolloutState, version: int) -> None:
    """Require that a certain version is on trial: another operator may have changed the canary.

    Args:
        state: of the roll-out.
        version: the version's number.

    Raises:
        PreconditionError: Another version is on trial, or none.
    """
    if versions_on_trial(state)[1] != version:
        raise PreconditionError(f"version {version} is not on trial: expected it as the canary, received {state}.")


def _listed(versions: Collection[int]) -> str:
    return ", ".join(str(version) for version in sorted(versions)) if versions else "no version"
