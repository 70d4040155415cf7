"""Replays requests on the stable version and on the canary, and says whether the canary is as good."""

import dataclasses
from pathlib import Path

from serving.contract import Contract
from serving.rollout import comparison, preconditions, probes, replay_requests, step_log
from serving.rollout.admin_client import Answer, ModelServer, PredictError
from serving.rollout.comparison import Figures, Limits, Pair
from serving.rollout.errors import RefusedError, WorseError
from serving.rollout.models_config import CANARY, STABLE
from serving.rollout.rollout import Rollout
from serving.rollout.step_log import Record, Result


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What to replay and how to judge it."""

    path: Path  # requests (serving/rollout/requests.py)
    limit: int  # requests at most, the newest
    threshold: float  # a prediction from this on is a positive decision
    limits: Limits


def compare(rollout: Rollout, plan: Plan, stable: int, canary: int) -> None:
    """Compares the two versions over their labels and says what it found. Records the verdict.

    Raises:
        RefusedError: There is nothing that could be replayed.
        WorseError: The canary is worse.
    """
    old, new = _contract(rollout, stable), _contract(rollout, canary)
    found = replay_requests.read(plan.path, [old, new], plan.limit)
    for name, why in sorted(found.left_out.items()):
        rollout.say(f"missing   {name}: {why}, sent as missing to both")
    if found.skipped:
        rollout.say(f"skipped   {found.skipped} requests that the gateway refused")
    server = rollout.servers[0]
    columns = [(old.inputs(list(rows)), new.inputs(list(rows))) for rows in found.rows]
    pairs = _replay(rollout, server, columns)
    figures = comparison.figures(pairs, plan.threshold)
    _say(rollout, figures, stable, canary)
    for error in dict.fromkeys(pair.canary for pair in pairs if isinstance(pair.canary, str)):
        rollout.say(f"error     canary: {error}")
    results = comparison.verdict(figures, plan.limits)
    for check in results:
        rollout.say(f"{'ok' if check.passed else 'WORSE':<9} {check}")
    worse = "; ".join(str(check) for check in results if not check.passed)
    state = rollout.state()
    rollout.log.append(Record(
        time=step_log.now(), who=step_log.who(), command="compare", model=rollout.model, before=state, after=state,
        result=Result.DONE, detail=f"canary {canary} is worse: {worse}" if worse else f"canary {canary} is as good",
    ))  # fmt: skip
    if worse:
        raise WorseError(f"canary {canary} is worse than {stable}: {worse}.")
    rollout.say(f"verdict   canary {canary} is as good as stable {stable}")


def check_plan(rollout: Rollout, plan: Plan, version: int) -> None:
    """Looks whether there is something to replay on a version, before anything is changed.

    Raises:
        RefusedError: There is not.
    """
    preconditions.pushed(rollout, version)
    replay_requests.read(plan.path, [_contract(rollout, version)], limit=1)


def compare_trial(rollout: Rollout, plan: Plan) -> None:
    """Compares the canary that is on trial.

    Raises:
        RefusedError: There is no canary, or nothing that could be replayed.
        WorseError: The canary is worse.
    """
    preconditions.finished(rollout)
    stable, canary = preconditions.on_trial(rollout.state())
    preconditions.in_step(rollout)
    compare(rollout, plan, stable, canary)


def _contract(rollout: Rollout, version: int) -> Contract:
    contract = probes.contract_of(rollout, version)
    if contract is None:
        raise RefusedError(
            f"version {version} has no contract: expected assets.extra/schema.pbtxt in its folder, which says how a "
            "missing value is sent; push a model that this project's pipeline exported."
        )
    return contract


def _replay(rollout: Rollout, server: ModelServer, columns: list[tuple[dict, dict]]) -> list[Pair]:
    """Asks both, one request at a time. Whoever is asked first finds cold caches, so they take turns."""
    for old, new in columns[:1]:  # the first call of all opens the connection
        _ask(rollout, server, STABLE, old), _ask(rollout, server, CANARY, new)
    pairs = []
    for number, (old, new) in enumerate(columns):
        if number % 2:
            second, first = _ask(rollout, server, CANARY, new), _ask(rollout, server, STABLE, old)
        else:
            first, second = _ask(rollout, server, STABLE, old), _ask(rollout, server, CANARY, new)
        pairs.append(Pair.of(first, second))
    return pairs


def _ask(rollout: Rollout, server: ModelServer, label: str, columns: dict) -> Answer | str:
    try:
        return server.predict(f"/labels/{label}", rollout.signature, columns)
    except PredictError as error:
        return str(error)


def _say(rollout: Rollout, found: Figures, stable: int, canary: int) -> None:
    rollout.say(f"replayed  {found.requests:,} requests; {found.rows:,} rows answered by both versions")
    for label, version, errors, p50, p95 in (
        (STABLE, stable, found.stable_errors, found.stable_p50_ms, found.stable_p95_ms),
        (CANARY, canary, found.canary_errors, found.canary_p50_ms, found.canary_p95_ms),
    ):
        rollout.say(f"{label:<9} {version}: {errors} failed, p50 {p50:.1f} ms, p95 {p95:.1f} ms")
