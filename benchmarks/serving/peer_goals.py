"""Compare our servers with the fastest peer: twice its requests per second, at a lower p99.

They were asked in turn, so each round has its own ratio, and the spread of the ratios is the noise.
"""

import math
from collections.abc import Iterator, Sequence

from benchmarks.serving.goal import Goal, Verdict
from benchmarks.serving.phases import PEERS, MeasuredPhase

TIMES = 2  # the peer's requests per second


def peer_goals(in_turn: Sequence[MeasuredPhase]) -> Iterator[Goal]:
    """Yield two goals for each of our transports that was asked in turn with the peer, by the same generator."""
    rounds = [one for one in in_turn if one.phase.concurrency > 1]
    asked = [peer for peer in PEERS if any(one.transport is peer for one in rounds)]
    each_peers = [[one for one in rounds if one.transport is peer] for peer in asked]
    # The fastest peer of each round.
    theirs = [max(one, key=lambda peer: peer.predictions_per_second) for one in zip(*each_peers, strict=True)]
    for transport in dict.fromkeys(one.transport for one in rounds if one.transport not in PEERS):
        ours = [one for one in rounds if one.transport is transport]
        pairs = list(zip(ours, theirs, strict=True))
        rates = [_ratio(own.predictions_per_second, their.predictions_per_second) for own, their in pairs]
        late = [_ratio(_p99(own), _p99(their)) for own, their in pairs]
        yield _goal(f"{transport} over the peer, requests per second", "at least", TIMES, rates, ours[0])
        yield _goal(f"{transport} over the peer, p99", "at most", 1, late, ours[0])


def _p99(one: MeasuredPhase) -> float:
    return one.latency.p99_ms if one.latency else math.nan


def _ratio(ours: float, theirs: float) -> float:
    """Return the ratio; NaN if the peer answered nothing."""
    return ours / theirs if theirs else math.nan


def _goal(name: str, side: str, bound: float, ratios: Sequence[float], asked: MeasuredPhase) -> Goal:
    known = [ratio for ratio in ratios if not math.isnan(ratio)]
    held = [ratio >= bound if side == "at least" else ratio <= bound for ratio in known]
    return Goal(
        name=name,
        bound=f"{side} {bound:g}",
        value=round(sorted(known)[len(known) // 2], 2) if known else None,
        unit="×",
        verdict=_verdict(held, complete=len(known) == len(ratios)),
        how=f"{asked.phase.concurrency} callers, load by {asked.generator}, in turn: "
        + ", ".join(f"{ratio:.2f}" for ratio in ratios),
    )


def _verdict(held: Sequence[bool], *, complete: bool) -> Verdict:
    if complete and all(held):
        return Verdict.REACHED
    return Verdict.UNCLEAR if any(held) or not complete else Verdict.MISSED
