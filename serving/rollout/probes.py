"""Probe a version: it must accept the inputs that clients send today, and return finite predictions."""

from pathlib import Path
from typing import Any

from serving import contract as contracts
from serving.contract import Contract, Feature, Kind
from serving.rollout.admin_client import AdminClient
from serving.rollout.errors import FailedError, PreconditionError
from serving.rollout.rollout import Rollout

_CONTRACT = Path("assets.extra") / "schema.pbtxt"  # in a version's folder; the export writes it


def contract_of(rollout: Rollout, version: int) -> Contract | None:
    """Read the contract in a version's folder; return None when it has none.

    Args:
        rollout: the roll-out.
        version: the version's number.

    Returns:
        The contract.

    Raises:
        PreconditionError: The contract cannot be read.
    """
    path = rollout.versions_folder / str(version) / _CONTRACT
    if not path.exists():
        return None
    try:
        return contracts.read(path)
    except contracts.ContractError as error:
        raise PreconditionError(str(error)) from error


def check_contracts(rollout: Rollout, stable: int, version: int) -> None:
    """Compare a version's contract with the stable one's before anything is loaded.

    Args:
        rollout: the roll-out.
        stable: the stable version's number.
        version: the new version's number.

    Raises:
        PreconditionError: The version has a feature that requests do not send today, or one of another type.
    """
    old, new = contract_of(rollout, stable), contract_of(rollout, version)
    if old is None or new is None:
        return  # the inputs are compared once the version is loaded
    sent = {feature.name: feature.kind for feature in old.features}
    unknown = [
        f"{feature.name} ({feature.kind.value})" for feature in new.features if sent.get(feature.name) != feature.kind
    ]
    if unknown:
        raise PreconditionError(_new_inputs(stable, version, unknown))


def check_inputs(rollout: Rollout, stable: int, version: int) -> None:
    """Compare a version's inputs with the stable one's.

    Args:
        rollout: the roll-out.
        stable: the stable version's number.
        version: the new version's number.

    Raises:
        FailedError: The version requires an input that clients do not send today, or one of another type.
    """
    for server in rollout.servers:
        sent = server.inputs(stable, rollout.signature)
        wanted = server.inputs(version, rollout.signature)
        new = sorted(f"{name} ({dtype})" for name, dtype in wanted.items() if sent.get(name) != dtype)
        if new:
            raise FailedError(_new_inputs(stable, version, new))


def check_version(rollout: Rollout, version: int) -> None:
    """Ask every server for one prediction of a version, and print it.

    Args:
        rollout: the roll-out.
        version: the version's number.

    Raises:
        FailedError: There is no prediction, or it is not finite.
    """
    predictions = _ask(rollout, version, f"/versions/{version}")
    rollout.say(f"answers   version {version}: {', '.join(f'{number:.4g}' for number in predictions)} for one row")


def check_like_stable(rollout: Rollout, stable: int, version: int) -> None:
    """Compare both versions' predictions for one row in today's format, on every server.

    Clients, the gateway among them, rely on the stable version's number of outputs, and on probabilities.

    Args:
        rollout: the roll-out.
        stable: the stable version's number.
        version: the new version's number.

    Raises:
        FailedError: There is no prediction, the number of outputs differs, or an output is outside 0 to 1 although the
            stable one's are inside.
    """
    for server in rollout.servers:
        sent = one_row(server, contract_of(rollout, stable), stable, rollout.signature)
        wanted = server.inputs(version, rollout.signature)
        row = {name: values for name, values in sent.items() if name in wanted}
        (old,) = server.predict(f"/versions/{stable}", rollout.signature, sent).predictions
        (new,) = server.predict(f"/versions/{version}", rollout.signature, row).predictions
        if len(new) != len(old):
            raise FailedError(
                f"version {version} returns {len(new)} outputs per row on {server.name}: expected {len(old)}, as "
                f"version {stable} returns; clients rely on that number. Serve it as a model with another name."
            )
        if _probabilities(old) and not _probabilities(new):
            raise FailedError(
                f"version {version} returns {', '.join(f'{number:.4g}' for number in new)} on {server.name}: expected "
                f"numbers from 0 to 1, as version {stable} returns for the same row. If these are logits, export the "
                "model with probabilities."
            )


def _probabilities(outputs: list[float]) -> bool:
    return all(0 <= number <= 1 for number in outputs)


def check_label(rollout: Rollout, label: str, version: int) -> None:
    """Ask every server for one prediction by a label, once it points at the version.

    Args:
        rollout: the roll-out.
        label: to ask by.
        version: the version's number.

    Raises:
        FailedError: There is no prediction, or it is not finite.
    """
    _ask(rollout, version, f"/labels/{label}")


def _ask(rollout: Rollout, version: int, route: str) -> list[float]:
    """Return the prediction of the last server."""
    for server in rollout.servers:
        columns = one_row(server, contract_of(rollout, version), version, rollout.signature)
        predictions = server.predict(route, rollout.signature, columns).predictions[0]
    return predictions


def one_row(server: AdminClient, contract: Contract | None, version: int, signature: str) -> dict[str, list[Any]]:
    """Make a row that the version accepts: the contract's examples, or else zeros and empty strings.

    Args:
        server: knows the version's inputs.
        contract: of the version; None if it has none.
        version: the version's number.
        signature: the signature's name.

    Returns:
        Input -> a list of one value.
    """
    features = {feature.name: feature for feature in contract.features} if contract else {}
    example = contract.inputs([contract.example | _required(contract)]) if contract else {}
    return {
        name: example[name] if name in features else [_PLAIN.get(dtype, 0)]
        for name, dtype in server.inputs(version, signature).items()
    }


def _new_inputs(stable: int, version: int, inputs: list[str]) -> str:
    return (
        f"version {version} takes inputs that version {stable} does not: {', '.join(inputs)}. Today's requests lack "
        "them and would fail; keep the inputs, or serve the version as a model with another name."
    )


_PLAIN: dict[str, Any] = {"DT_STRING": "", "DT_BOOL": False}


def _required(contract: Contract) -> dict[str, contracts.Value]:
    """Return a value for each required feature: its example if it has one."""
    return {
        feature.name: feature.example if feature.example is not None else _allowed(feature)
        for feature in contract.features
        if feature.required
    }


def _allowed(feature: Feature) -> contracts.Value:
    if feature.kind is Kind.BYTES:
        return feature.known[0] if feature.known else "a"
    return feature.low if feature.low is not None else min(feature.high or 0, 0)
