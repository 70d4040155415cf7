import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.capacity import __main__ as command
from benchmarks.capacity import fleet, node
from benchmarks.capacity.measured import FiguresError, ServiceTimes

TIMES = ServiceTimes(gateway=200e-6, server=150e-6, curve={1: 0.3e-3, 64: 0.5e-3}, allowed_rows=(1, 8, 64))
DEMANDS = fleet.Demands(p99_seconds=0.02, busy=1.0, core_hour=0.05, notice_seconds=10, requests=4_000)


def test_a_lone_request_takes_the_sum_of_its_parts() -> None:
    seen = node.stream(TIMES, per_second=5, requests=200, seed=1)
    parts = TIMES.gateway + TIMES.server + TIMES.batch_seconds + TIMES.model(1)
    assert seen.p50_seconds == pytest.approx(parts)


def test_no_more_is_answered_than_the_busiest_thread_can() -> None:
    seen = node.callers(TIMES, count=64, requests=8_000)
    assert seen.per_second <= 1 / TIMES.gateway
    assert seen.per_second == pytest.approx(1 / TIMES.gateway, rel=0.1)  # calls and batches are gathered beside it


def test_two_threads_on_one_core_halve_it() -> None:
    whole = node.callers(dataclasses.replace(TIMES, generator=TIMES.gateway), count=64, requests=4_000)
    one = node.callers(dataclasses.replace(TIMES, generator=TIMES.gateway, cores=1), count=64, requests=4_000)
    assert one.per_second == pytest.approx(whole.per_second / 2, rel=0.2)


def test_without_gathering_each_request_is_a_call() -> None:
    alone = dataclasses.replace(TIMES, gather_rows=1, server=400e-6)
    together = dataclasses.replace(alone, gather_rows=64)
    slow, fast = (node.callers(times, count=32, requests=4_000).per_second for times in (alone, together))
    assert fast > 1.5 * slow


def test_the_model_is_interpolated_at_what_a_batch_is_padded_to() -> None:
    assert TIMES.model(1) == pytest.approx(0.3e-3)
    assert TIMES.model(2) == TIMES.model(8) == pytest.approx(0.3e-3 + 0.2e-3 * 7 / 63)


def test_a_node_of_slower_work_answers_less_and_later() -> None:
    still = dataclasses.replace(TIMES, gather_seconds=0.0, batch_seconds=0.0)
    quick, slow = (node.callers(times, count=64, requests=4_000) for times in (still, still.slowed(2)))
    assert slow.per_second == pytest.approx(quick.per_second / 2)
    assert slow.p99_seconds == pytest.approx(quick.p99_seconds * 2)


def test_the_search_ends_where_the_bound_is() -> None:
    most = fleet.most_per_second(TIMES, DEMANDS)
    within, beyond = (
        node.stream(TIMES, rate, DEMANDS.requests, DEMANDS.seed).p99_seconds for rate in (most, most * 1.1)
    )
    assert within <= DEMANDS.p99_seconds < beyond
    stretched = dataclasses.replace(DEMANDS, p99_seconds=3 * DEMANDS.p99_seconds, tail=3.0)
    assert fleet.most_per_second(TIMES, stretched) == most
    careful = fleet.most_per_second(TIMES, dataclasses.replace(DEMANDS, busy=0.5))
    assert careful == pytest.approx(0.5 / TIMES.gateway, rel=0.1)  # below what the bound alone would allow
    with pytest.raises(ValueError, match=r"no load keeps the p99 within 1 ms: .* pass a larger --p99-ms"):
        fleet.most_per_second(TIMES, dataclasses.replace(DEMANDS, p99_seconds=0.001))


def test_a_day_goes_from_a_quarter_of_its_peak_to_the_peak() -> None:
    hours = list(fleet.day(100))
    assert (len(hours), min(hours), max(hours)) == (24, hours[4], hours[16])
    assert (hours[4], hours[16]) == (pytest.approx(25), pytest.approx(100))
    assert sum(hours) / 24 == pytest.approx(62.5)


def test_a_fleet_keeps_its_bound_when_one_node_is_lost() -> None:
    found = fleet.plan(TIMES, 10_000, 3_000, DEMANDS)
    assert found.nodes == 5  # four carry 10,000 at 3,000 each, and one may be lost
    assert found.p99_seconds <= found.p99_seconds_one_lost <= DEMANDS.p99_seconds
    assert (found.failed_share, found.failed_requests) == (0.2, 20_000)
    # 5 nodes of 2 cores for 24 hours at 0.05, over 24 hours of 6,250 requests a second on average
    assert found.million_fixed == pytest.approx(5 * 2 * 24 * 0.05 / (24 * 3600 * 6_250 / 1e6))
    assert found.million_scaled < found.million_fixed
    assert fleet.nodes_for(1, 3_000) == 2  # never a node alone


def record(**more: Any) -> dict[str, Any]:
    one = {"batching": "on", "batch_rows": 1, "generator": "wrk", "concurrency": 32, "requests": 1_000}
    one |= {"requests_per_second": 2_500.0, "p50_ms": 8.0, "p99_ms": 20.0}
    cpu = {"server_cpu_seconds": 0.2, "gateway_cpu_seconds": 0.25, "generator_cpu_seconds": 0.03}
    phases = [one | cpu | {"transport": name} for name in ("REST columns", "gateway")]
    phases.append(phases[1] | {"concurrency": 1, "gateway_cpu_seconds": 9.0})  # a lone caller's figures are not taken
    batching = {"batch_rows": 512, "batch_seconds": 0.002, "batch_threads": 1, "allowed_rows": [16, 512]}
    curve = {"1": 0.3, "16": 0.48}
    return {"machine": {"cores": 2}, "phases": phases, "batching": batching, "batch_curve_ms": curve, **more}


def test_times_are_read_from_a_load_tests_record(tmp_path: Path) -> None:
    path = tmp_path / "serving.json"
    path.write_text(json.dumps(record()))
    times = ServiceTimes.read(path)
    assert (times.gateway, times.generator, times.cores) == (pytest.approx(250e-6), pytest.approx(30e-6), 2)
    assert times.server == pytest.approx(200e-6 - 0.48e-3 / 16)  # less the model's share in a batch of 16
    assert (times.batch_rows, times.batch_seconds, times.batch_threads, times.allowed_rows) == (
        512,
        0.002,
        1,
        (16, 512),
    )
    old = record()
    del old["batch_curve_ms"]
    path.write_text(json.dumps(old))
    with pytest.raises(FiguresError, match=r"has no 'batch_curve_ms'.* run `make load-test`"):
        ServiceTimes.read(path)
    path.write_text(json.dumps(record(phases=[])))
    with pytest.raises(FiguresError, match="no phase of REST columns with batching and single rows"):
        ServiceTimes.read(path)


def test_the_command_writes_a_plan_for_each_peak_and_its_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "serving.json").write_text(json.dumps(record()))
    assert command.main(["--var", str(tmp_path), "--peaks", "100", "20000", "--requests", "1000"]) == 0
    found = json.loads((tmp_path / "bench" / "capacity.json").read_text())
    assert [one["peak_per_second"] for one in found["plans"]] == [100, 20_000]
    compared = found["compared"]
    assert compared["error_per_second"] == pytest.approx(compared["simulated_per_second"] / 2_500 - 1, abs=0.001)
    # The planned node is as slow as the measured one, and its p99 as late.
    assert compared["slowed_per_second"] == pytest.approx(2_500, rel=0.02)
    assert compared["slowed_p99_ms"] * compared["p99_times"] == pytest.approx(20, rel=0.001)
    assert found["most_per_second_of_a_node"] < 2_500
    assert "measured 2,500/s" in capsys.readouterr().out


def test_without_a_record_the_command_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--var", str(tmp_path)]) == 1
    assert "serving.json" in capsys.readouterr().err
