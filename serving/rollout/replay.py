"""Replay requests on the stable version and the canary, and report how much their answers differ."""

import dataclasses
from pathlib import Path

from serving.contract import Contract
from serving.rollout import comparison, preconditions, probes, replay_requests, step_log
from serving.rollout.admin_client import AdminClient, PredictError, TimedPrediction
from serving.rollout.comparison import ComparisonFigures, PredictionPair
from serving.rollout.errors import DiffersError, NoRequestsError, PreconditionError
from serving.rollout.models_config import CANARY, STABLE
from serving.rollout.options import VerdictLimits
from serving.rollout.rollout import Rollout
from serving.rollout.step_log import StepRecord, StepResult


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplayPlan:
    """The requests to replay, and the limits of the verdict."""

    path: Path  # requests (serving/rollout/replay_requests.py)
    limit: int  # the newest requests, at most this many
    threshold: float | None  # a prediction of at least this is a positive decision; None: as `figures` says
    limits: VerdictLimits


def compare(rollout: Rollout, plan: ReplayPlan, stable: int, canary: int) -> None:
    """Compare the two versions over their labels, print the figures, and record the verdict.

    Args:
        rollout: the roll-out.
        plan: the requests and limits.
        stable: the stable version's number.
        canary: the canary's number.

    Raises:
        NoRequestsError: There are no requests that can be replayed.
        DiffersError: The canary differs, or too few rows were answered to judge.
    """
    old, new = _contract(rollout, stable), _contract(rollout, canary)
    try:
        found = replay_requests.read(plan.path, [old, new], plan.limit)
    except NoRequestsError as error:
        _record(rollout, f"canary {canary} {step_log.UNJUDGED}{error}")
        raise
    for name, why in sorted(found.left_out.items()):
        rollout.say(f"missing   {name}: {why}, sent as missing to both")
    if found.skipped:
        rollout.say(f"skipped   {found.skipped} requests that the gateway refused")
    server = rollout.servers[0]
    columns = [(old.inputs(list(rows)), new.inputs(list(rows))) for rows in found.rows]
    pairs = _replay(rollout, server, columns)
    figures = comparison.figures(pairs, plan.threshold)
    _say(rollout, figures, stable, canary)
    for message in dict.fromkeys(pair.canary for pair in pairs if isinstance(pair.canary, str)):
        rollout.say(f"error     canary: {message}")
    results = comparison.verdict(figures, plan.limits)
    if figures.deviation is not None:
        rollout.say(f"spread    stable's predictions have a standard deviation of {figures.deviation:.4g}")
    for check in results:
        rollout.say(f"{'ok' if check.passed else check.word:<9} {check}")
    failed = [check for check in results if not check.passed]
    reasons = "; ".join(map(str, failed))
    if not failed:
        _record(rollout, f"canary {canary} is within the limits")
        rollout.say(f"verdict   canary {canary} is within the limits of stable {stable}")
        return
    if [check.name for check in failed] == [comparison.ROWS]:
        detail, found_different = step_log.UNJUDGED, f"canary {canary} cannot be compared with stable {stable}"
    else:
        detail, found_different = step_log.DIFFERS, f"canary {canary} differs from stable {stable}"
    _record(rollout, f"canary {canary} {detail}{reasons}")
    rollout.say(f"verdict   {found_different}: {reasons}")
    raise DiffersError(f"{found_different}: {reasons}.")


def check_plan(rollout: Rollout, plan: ReplayPlan, version: int) -> None:
    """Check that there are requests to replay on a version, before anything changes.

    Args:
        rollout: the roll-out.
        plan: the requests and limits.
        version: the version's number.

    Raises:
        PreconditionError: There are none.
    """
    preconditions.require_pushed(rollout, version)
    replay_requests.read(plan.path, [_contract(rollout, version)], limit=1)


def compare_trial(rollout: Rollout, plan: ReplayPlan) -> None:
    """Compare the canary that is on trial with the stable version.

    Args:
        rollout: the roll-out.
        plan: the requests and limits.

    Raises:
        PreconditionError: There is no canary, or no request that can be replayed.
        DiffersError: The canary differs.
    """
    preconditions.require_no_unfinished_step(rollout)
    stable, canary = preconditions.versions_on_trial(rollout.state())
    preconditions.require_servers_in_sync(rollout)
    compare(rollout, plan, stable, canary)


def _record(rollout: Rollout, verdict: str) -> None:
    state = rollout.state()
    rollout.log.append(StepRecord(
        time=step_log.timestamp(), who=step_log.operator(), command=step_log.COMPARE, model=rollout.model,
        before=state, after=state, result=StepResult.DONE, detail=verdict,
    ))  # fmt: skip


def _contract(rollout: Rollout, version: int) -> Contract:
    contract = probes.contract_of(rollout, version)
    if contract is None:
        raise PreconditionError(
            f"version {version} has no contract: expected assets.extra/schema.pbtxt in its folder, which defines how "
            "missing values are sent; push a model that this project's pipeline exported."
        )
    return contract


def _replay(rollout: Rollout, server: AdminClient, columns: list[tuple[dict, dict]]) -> list[PredictionPair]:
    """Ask both labels, one request at a time, in alternating order: the first of two calls finds cold caches."""
    for old, new in columns[:1]:  # the very first call opens the connection
        _ask(rollout, server, STABLE, old), _ask(rollout, server, CANARY, new)
    pairs = []
    for number, (old, new) in enumerate(columns):
        if number % 2:
            second, first = _ask(rollout, server, CANARY, new), _ask(rollout, server, STABLE, old)
        else:
            first, second = _ask(rollout, server, STABLE, old), _ask(rollout, server, CANARY, new)
        pairs.append(PredictionPair.of(first, second))
    return pairs


def _ask(rollout: Rollout, server: AdminClient, label: str, columns: dict) -> TimedPrediction | str:
    try:
        return server.predict(f"/labels/{label}", rollout.signature, columns)
    except PredictError as error:
        return str(error)


def _say(rollout: Rollout, found: ComparisonFigures, stable: int, canary: int) -> None:
    rollout.say(f"replayed  {found.requests:,} requests; {found.rows:,} rows answered by both versions")
    for label, version, errors, p50, p95 in (
        (STABLE, stable, found.stable_errors, found.stable_p50_ms, found.stable_p95_ms),
        (CANARY, canary, found.canary_errors, found.canary_p50_ms, found.canary_p95_ms),
    ):
        rollout.say(f"{label:<9} {version}: {errors} failed, p50 {p50:.1f} ms, p95 {p95:.1f} ms")
