"""Probes of a version: it takes the inputs that clients send today, and returns finite predictions."""

from pathlib import Path
from typing import Any

from serving import contract as contracts
from serving.contract import Contract, Feature, Kind
from serving.rollout.admin_client import AdminClient
from serving.rollout.errors import FailedError, PreconditionError
from serving.rollout.rollout import Rollout

_CONTRACT = Path("assets.extra") / "schema.pbtxt"  # in a version's folder, put there by the export


def contract_of(rollout: Rollout, version: int) -> Contract | None:
    """The contract that travels with a version; None when it has none.

    Raises:
        PreconditionError: It cannot be read.
    """
    path = rollout.versions_folder / str(version) / _CONTRACT
    if not path.exists():
        return None
    try:
        return contracts.read(path)
    except contracts.ContractError as error:
        raise PreconditionError(str(error)) from error


def check_contracts(rollout: Rollout, stable: int, version: int) -> None:
    """Hold the contract of a version against that of the stable one, before anything is loaded.

    Raises:
        PreconditionError: It has a feature that requests do not send today, or one of another type.
    """
    old, new = contract_of(rollout, stable), contract_of(rollout, version)
    if old is None or new is None:
        return  # the inputs are held against each other once the version is loaded
    sent = {feature.name: feature.kind for feature in old.features}
    unknown = [
        f"{feature.name} ({feature.kind.value})" for feature in new.features if sent.get(feature.name) != feature.kind
    ]
    if unknown:
        raise PreconditionError(_new_inputs(stable, version, unknown))


def check_inputs(rollout: Rollout, stable: int, version: int) -> None:
    """Hold the inputs of a version against those of the stable one.

    Raises:
        FailedError: It wants an input that clients do not send today, or one of another type.
    """
    for server in rollout.servers:
        sent = server.inputs(stable, rollout.signature)
        wanted = server.inputs(version, rollout.signature)
        new = sorted(f"{name} ({dtype})" for name, dtype in wanted.items() if sent.get(name) != dtype)
        if new:
            raise FailedError(_new_inputs(stable, version, new))


def check_version(rollout: Rollout, version: int) -> None:
    """Ask every server for one prediction of a version, and says what it was.

    Raises:
        FailedError: No prediction, or one that is not finite.
    """
    predictions = _ask(rollout, version, f"/versions/{version}")
    rollout.say(f"answers   version {version}: {', '.join(f'{number:.4g}' for number in predictions)} for one row")


def check_like_stable(rollout: Rollout, stable: int, version: int) -> None:
    """Ask every server for both versions' predictions for one row of today's requests.

    Callers, the gateway among them, count on what the stable version gives: so many numbers a row, and probabilities.

    Raises:
        FailedError: No prediction, another number of outputs, or one outside 0 to 1 where the stable one's are inside.
    """
    for server in rollout.servers:
        sent = one_row(server, contract_of(rollout, stable), stable, rollout.signature)
        wanted = server.inputs(version, rollout.signature)
        row = {name: values for name, values in sent.items() if name in wanted}
        (old,) = server.predict(f"/versions/{stable}", rollout.signature, sent).predictions
        (new,) = server.predict(f"/versions/{version}", rollout.signature, row).predictions
        if len(new) != len(old):
            raise FailedError(
                f"version {version} gives {len(new)} outputs a row on {server.name}: expected {len(old)}, as version "
                f"{stable} gives; callers would not understand it. Serve it as a model with a name of its own."
            )
        if _probabilities(old) and not _probabilities(new):
            raise FailedError(
                f"version {version} gives {', '.join(f'{number:.4g}' for number in new)} on {server.name}: expected "
                f"numbers from 0 to 1, as version {stable} gives for the same row. Are these logits? Export the model "
                "with probabilities."
            )


def _probabilities(outputs: list[float]) -> bool:
    return all(0 <= number <= 1 for number in outputs)


def check_label(rollout: Rollout, label: str, version: int) -> None:
    """Ask every server for one prediction by a label, once it leads to the version.

    Raises:
        FailedError: No prediction, or one that is not finite.
    """
    _ask(rollout, version, f"/labels/{label}")


def _ask(rollout: Rollout, version: int, route: str) -> list[float]:
    """The prediction of the last server."""
    for server in rollout.servers:
        columns = one_row(server, contract_of(rollout, version), version, rollout.signature)
        predictions = server.predict(route, rollout.signature, columns).predictions[0]
    return predictions


def one_row(server: AdminClient, contract: Contract | None, version: int, signature: str) -> dict[str, list[Any]]:
    """A row that the version takes: the contract's examples, or else the plainest values."""
    features = {feature.name: feature for feature in contract.features} if contract else {}
    example = contract.inputs([contract.example | _required(contract)]) if contract else {}
    return {
        name: example[name] if name in features else [_PLAIN.get(dtype, 0)]
        for name, dtype in server.inputs(version, signature).items()
    }


def _new_inputs(stable: int, version: int, inputs: list[str]) -> str:
    return (
        f"version {version} takes inputs that version {stable} does not: {', '.join(inputs)}. Requests of today lack "
        "them and would fail; keep the inputs, or serve the version as a model with a name of its own."
    )


_PLAIN: dict[str, Any] = {"DT_STRING": "", "DT_BOOL": False}


def _required(contract: Contract) -> dict[str, contracts.Value]:
    """A value for each required feature; its example where it has one."""
    return {
        feature.name: feature.example if feature.example is not None else _allowed(feature)
        for feature in contract.features
        if feature.required
    }


def _allowed(feature: Feature) -> contracts.Value:
    if feature.kind is Kind.BYTES:
        return feature.known[0] if feature.known else "a"
    return feature.low if feature.low is not None else min(feature.high or 0, 0)
