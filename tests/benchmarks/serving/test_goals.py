import dataclasses

import pytest

from benchmarks.serving.__main__ import exit_status
from benchmarks.serving.goal import Goal, Verdict
from benchmarks.serving.goals import BareCall, goals
from benchmarks.serving.phases import Batching, MeasuredPhase, Phase, Quantiles, Transport

MEDIAN = Quantiles(p50_ms=1.0, p95_ms=2.0, p99_ms=3.0)
REACHED, MISSED, UNCLEAR = Verdict


def bare(*p50_ms_each_time: float) -> dict[str, BareCall]:
    call = BareCall(median=MEDIAN, p50_ms_each_time=p50_ms_each_time)
    return dict.fromkeys(("serving_raw", "serving_default"), call)


STEADY = bare(1.0, 1.0)


def measured(
    transport: Transport, batching: Batching, concurrency: int, p50_ms: float, **more: object
) -> MeasuredPhase:
    phase = Phase(transports=(transport,), batching=batching, batch_rows=1, concurrency=concurrency, seconds=2)
    one = MeasuredPhase(
        phase=phase,
        transport=transport,
        generator="locust",
        requests=1000,
        failures={},
        seconds=2.0,
        latency=Quantiles(p50_ms=p50_ms, p95_ms=9.0, p99_ms=9.0),
        cpu_seconds={},
    )
    return dataclasses.replace(one, **more)  # type: ignore[arg-type]


def found(
    *phases: MeasuredPhase, swapped: MeasuredPhase | None = None, calls: dict[str, BareCall] = STEADY
) -> dict[str, Goal]:
    swapped = swapped or measured(Transport.GRPC_COLUMNS, Batching.ON, 32, 5, requests=100_000)
    on = measured(Transport.GRPC_COLUMNS, Batching.ON, 8, 5)
    return {goal.name.split(",")[0]: goal for goal in goals(calls, [on, *phases], [swapped])}


@pytest.mark.parametrize(
    ("p50_ms", "overhead", "verdict"), [(2.5, 1.5, REACHED), (2.501, 1.501, MISSED), (0.9, -0.1, UNCLEAR)]
)
def test_overhead_is_the_median_less_the_bare_calls(p50_ms: float, overhead: float, verdict: Verdict) -> None:
    goal = found(measured(Transport.REST_COLUMNS, Batching.OFF, 1, p50_ms))[
        "overhead of REST columns over the bare signature call"
    ]
    assert (goal.value, goal.unit, goal.verdict, goal.how) == (overhead, "ms", verdict, "load by locust, ± 0.00 ms")


@pytest.mark.parametrize(
    ("p50_ms", "verdict"), [(2.2, REACHED), (2.4, UNCLEAR), (2.6, UNCLEAR), (2.8, MISSED), (0.9, UNCLEAR)]
)
def test_an_overhead_within_the_noise_of_its_bound_is_not_judged(p50_ms: float, verdict: Verdict) -> None:
    one = measured(Transport.REST_COLUMNS, Batching.OFF, 1, p50_ms)
    goal = found(one, calls=bare(0.9, 1.0, 1.1))["overhead of REST columns over the bare signature call"]
    assert (goal.verdict, goal.how) == (verdict, "load by locust, ± 0.20 ms")


@pytest.mark.parametrize(("requests", "verdict"), [(6000, REACHED), (5200, UNCLEAR), (4000, MISSED)])
def test_throughput_within_the_noise_of_its_bound_is_not_judged(requests: int, verdict: Verdict) -> None:
    one = measured(Transport.REST_COLUMNS, Batching.ON, 32, 5, requests=requests)
    assert found(one, calls=bare(1.0, 1.2))["single-row predictions per second"].verdict is verdict


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [([REACHED, REACHED], 0), ([REACHED, UNCLEAR], 3), ([UNCLEAR, MISSED, REACHED], 1)],
)
def test_the_exit_status_tells_missed_from_unclear(verdicts: list[Verdict], status: int) -> None:
    assert exit_status(verdicts) == status
    assert exit_status(map(str, verdicts)) == status  # as the record has them


def test_only_one_caller_without_batching_counts_for_it() -> None:
    others = [
        measured(Transport.REST_COLUMNS, Batching.ON, 1, 1.1),
        measured(Transport.REST_COLUMNS, Batching.OFF, 8, 1.1),
    ]
    assert not [name for name in found(*others) if name.startswith("overhead")]


def test_an_overhead_without_answers_is_not_reached() -> None:
    lost = measured(Transport.GRPC_COLUMNS, Batching.OFF, 1, 1, latency=None, failures={"UNAVAILABLE: ": 1000})
    goal = found(lost)["overhead of gRPC columns over the bare signature call"]
    assert (goal.value, goal.verdict) == (None, MISSED)


def test_throughput_is_the_best_of_single_rows_with_batching_and_leaves_failures_out() -> None:
    goal = found(
        measured(Transport.REST_COLUMNS, Batching.ON, 32, 5, requests=6100, failures={"503": 100}),
        measured(Transport.GRPC_COLUMNS, Batching.OFF, 32, 5, requests=9000),
    )["single-row predictions per second"]
    assert (goal.value, goal.verdict, goal.how) == (3000, REACHED, "REST columns, 32 callers, load by locust, ± 0%")


@pytest.mark.parametrize(
    ("requests", "failures", "failed", "verdict"),
    [(100_000, {}, 0, REACHED), (99_999, {}, 0, MISSED), (100_000, {"UNAVAILABLE: gone": 1}, 1, MISSED)],
)
def test_swaps_need_all_requests_and_no_failure(
    requests: int, failures: dict[str, int], failed: int, verdict: Verdict
) -> None:
    swapped = measured(Transport.GRPC_COLUMNS, Batching.ON, 32, 5, requests=requests, failures=failures)
    goal = found(swapped=swapped)["failed requests of 100"]
    assert (goal.value, goal.verdict) == (failed, verdict)


def test_the_gateway_has_a_goal_of_its_own_and_does_not_count_for_the_servers() -> None:
    both = {goal.name: goal for goal in goals(STEADY, [
        measured(Transport.GATEWAY, Batching.ON, 32, 5, requests=8000),
        measured(Transport.GRPC_COLUMNS, Batching.ON, 32, 5, requests=6100),
    ], [measured(Transport.GRPC_COLUMNS, Batching.ON, 32, 5, requests=100_000)])}  # fmt: skip
    assert both["single-row predictions per second, batching on"].value == 3050
    gateway = both["single-row predictions per second, gateway"]
    assert (gateway.value, gateway.bound, gateway.verdict) == (4000, "at least 2000", REACHED)
