import dataclasses

from benchmarks.serving.goal import Goal, Verdict
from benchmarks.serving.peer_goals import peer_goals
from benchmarks.serving.phases import PEERS, Batching, MeasuredPhase, Phase, Quantiles, Transport
from benchmarks.serving.suite import Suite

REACHED, MISSED, UNCLEAR = Verdict


def asked(transport: Transport, requests: int, p99_ms: float, callers: int = 32) -> MeasuredPhase:
    phase = Phase(transports=(transport,), batching=Batching.OFF, batch_rows=1, concurrency=callers, seconds=2)
    return MeasuredPhase(
        phase=phase,
        transport=transport,
        generator="wrk",
        requests=requests,
        failures={},
        seconds=2.0,
        latency=Quantiles(p50_ms=1.0, p95_ms=2.0, p99_ms=p99_ms),
        cpu_seconds={},
    )


def judged(*rounds: tuple[tuple[int, float], tuple[int, float]]) -> list[Goal]:
    """Goals of rounds, each the quicker peer's and the gateway's (requests, p99); lone callers' phases come first."""
    phases = [asked(peer, 1, 1.0, callers=1) for peer in PEERS]
    for number, (peer, ours) in enumerate(rounds):
        quicker, slower = PEERS[:2] if number % 2 else reversed(PEERS[:2])  # BentoML is not installed
        phases += [asked(quicker, *peer), asked(slower, peer[0] // 2, 1.0), asked(Transport.GATEWAY, *ours)]
    return list(peer_goals(phases))


def test_every_round_twice_the_requests_at_a_lower_p99_reaches_both() -> None:
    requests, p99 = judged(((1000, 50), (2000, 40)), ((1000, 40), (2600, 40)))
    assert (requests.verdict, requests.value, requests.how) == (
        REACHED, 2.6, "32 callers, load by wrk, in turn: 2.00, 2.60"
    )  # fmt: skip
    assert (p99.verdict, p99.bound, p99.how) == (REACHED, "at most 1", "32 callers, load by wrk, in turn: 0.80, 1.00")


def test_rounds_that_disagree_are_too_noisy_to_tell() -> None:
    requests, p99 = judged(((1000, 50), (1900, 60)), ((1000, 50), (2100, 40)))
    assert (requests.verdict, p99.verdict) == (UNCLEAR, UNCLEAR)


def test_no_round_that_reaches_it_is_missed() -> None:
    requests, p99 = judged(((1000, 50), (1900, 60)), ((1000, 50), (1500, 51)))
    assert (requests.verdict, p99.verdict) == (MISSED, MISSED)


def test_a_round_without_an_answer_of_a_peer_is_no_win() -> None:
    nothing = [dataclasses.replace(asked(peer, 0, 1.0), latency=None) for peer in PEERS]
    requests, p99 = peer_goals([*nothing, asked(Transport.GATEWAY, 2000, 40)])
    assert (requests.verdict, requests.value, requests.how) == (UNCLEAR, None, "32 callers, load by wrk, in turn: nan")
    assert (p99.verdict, p99.value) == (UNCLEAR, None)


def test_the_peer_and_ours_are_asked_in_turn_after_its_answers_were_checked() -> None:
    suite = Suite(peer_rounds=2)
    assert [(one.transports, one.concurrency, one.batch_rows) for one in suite.peer_checks()] == [
        ((Transport.PEER,), 1, 1),
        ((Transport.PEER_ASYNC,), 1, 1),
        ((Transport.BENTOML,), 1, 1),
    ]
    phases = list(suite.peer_phases())
    order = [phase.transports[0] for phase in phases]
    assert order == [*PEERS, Transport.GATEWAY, Transport.REST_ROWS] * 2
    assert {(phase.concurrency, phase.batch_rows) for phase in phases} == {(32, 1)}
    assert not set(PEERS) & set(suite.transports)  # its answers have one row
