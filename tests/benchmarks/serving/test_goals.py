import dataclasses

import pytest

from benchmarks.serving.goals import Goal, goals
from benchmarks.serving.phases import Batching, MeasuredPhase, Phase, Quantiles, Transport

BARE = {name: Quantiles(p50_ms=1.0, p95_ms=2.0, p99_ms=3.0) for name in ("serving_raw", "serving_default")}


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


def found(*phases: MeasuredPhase, swapped: MeasuredPhase | None = None) -> dict[str, Goal]:
    swapped = swapped or measured(Transport.GRPC_COLUMNS, Batching.ON, 32, 5, requests=100_000)
    on = measured(Transport.GRPC_COLUMNS, Batching.ON, 8, 5)
    return {goal.name.split(",")[0]: goal for goal in goals(BARE, [on, *phases], [swapped])}


@pytest.mark.parametrize(("p50_ms", "overhead", "reached"), [(2.5, 1.5, True), (2.501, 1.501, False)])
def test_overhead_is_the_median_less_the_bare_calls(p50_ms: float, overhead: float, reached: bool) -> None:
    goal = found(measured(Transport.REST_COLUMNS, Batching.OFF, 1, p50_ms))[
        "overhead of REST columns over the bare signature call"
    ]
    assert (goal.value, goal.unit, goal.reached, goal.how) == (overhead, "ms", reached, "load by locust")


def test_only_one_caller_without_batching_counts_for_it() -> None:
    others = [
        measured(Transport.REST_COLUMNS, Batching.ON, 1, 1.1),
        measured(Transport.REST_COLUMNS, Batching.OFF, 8, 1.1),
    ]
    assert not [name for name in found(*others) if name.startswith("overhead")]


def test_an_overhead_without_answers_is_not_reached() -> None:
    lost = measured(Transport.GRPC_COLUMNS, Batching.OFF, 1, 1, latency=None, failures={"UNAVAILABLE: ": 1000})
    goal = found(lost)["overhead of gRPC columns over the bare signature call"]
    assert (goal.value, goal.reached) == (None, False)


def test_throughput_is_the_best_of_single_rows_with_batching_and_leaves_failures_out() -> None:
    goal = found(
        measured(Transport.REST_COLUMNS, Batching.ON, 32, 5, requests=6100, failures={"503": 100}),
        measured(Transport.GRPC_COLUMNS, Batching.OFF, 32, 5, requests=9000),
    )["single-row predictions per second"]
    assert (goal.value, goal.reached, goal.how) == (3000, True, "REST columns, 32 callers, load by locust")


@pytest.mark.parametrize(
    ("requests", "failures", "failed", "reached"),
    [(100_000, {}, 0, True), (99_999, {}, 0, False), (100_000, {"UNAVAILABLE: gone": 1}, 1, False)],
)
def test_swaps_need_all_requests_and_no_failure(
    requests: int, failures: dict[str, int], failed: int, reached: bool
) -> None:
    swapped = measured(Transport.GRPC_COLUMNS, Batching.ON, 32, 5, requests=requests, failures=failures)
    goal = found(swapped=swapped)["failed requests of 100"]
    assert (goal.value, goal.reached) == (failed, reached)
