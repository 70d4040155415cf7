"""Ours beside the quickest peer: twice its requests, at a lower p99.

They were asked in turn, so each round has a ratio of its own, and how far these lie apart is the noise.
"""

from collections.abc import Iterator, Sequence

from benchmarks.serving.goal import Goal, Verdict
from benchmarks.serving.phases import PEERS, MeasuredPhase

TIMES = 2  # the peer's requests per second


def peer_goals(in_turn: Sequence[MeasuredPhase]) -> Iterator[Goal]:
    """Two goals for each transport of ours that was asked in turn with the peer, by the same generator."""
    rounds = [one for one in in_turn if one.phase.concurrency > 1]
    asked = [peer for peer in PEERS if any(one.transport is peer for one in rounds)]
    each_peers = [[one for one in rounds if one.transport is peer] for peer in asked]
    # The quickest of the peers in each round.
    theirs = [max(one, key=lambda peer: peer.predictions_per_second) for one in zip(*each_peers, strict=True)]
    for transport in dict.fromkeys(one.transport for one in rounds if one.transport not in PEERS):
        ours = [one for one in rounds if one.transport is transport]
        yield _goal(
            f"{transport} over the peer, requests per second",
            "at least",
            TIMES,
            [own.predictions_per_second / peer.predictions_per_second for own, peer in zip(ours, theirs, strict=True)],
            ours[0],
        )
        yield _goal(
            f"{transport} over the peer, p99",
            "at most",
            1,
            [own.latency.p99_ms / peer.latency.p99_ms if own.latency and peer.latency else float("inf")
             for own, peer in zip(ours, theirs, strict=True)],
            ours[0],
        )  # fmt: skip


def _goal(name: str, side: str, bound: float, ratios: Sequence[float], asked: MeasuredPhase) -> Goal:
    held = [ratio >= bound if side == "at least" else ratio <= bound for ratio in ratios]
    return Goal(
        name=name,
        bound=f"{side} {bound:g}",
        value=round(sorted(ratios)[len(ratios) // 2], 2),
        unit="×",
        verdict=Verdict.REACHED if all(held) else Verdict.UNCLEAR if any(held) else Verdict.MISSED,
        how=f"{asked.phase.concurrency} callers, load by {asked.generator}, in turn: "
        + ", ".join(f"{ratio:.2f}" for ratio in ratios),
    )
