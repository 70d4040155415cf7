import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.serving import record
from benchmarks.serving.phases import Batching, MeasuredPhase, Phase, Quantiles, Transport
from benchmarks.serving.plan import LoadPlan, Request, Targets
from benchmarks.serving.processes import ServerError, serving
from benchmarks.serving.record import SIGNATURE_CALL, Bare, Swaps, document
from benchmarks.serving.subject import NothingToTestError, subject
from benchmarks.serving.swaps import push

PHASE = Phase(transports=(Transport.REST_ROWS,), batching=Batching.ON, batch_rows=64, concurrency=8, seconds=2.0)
MEASURED = MeasuredPhase(
    phase=PHASE,
    transport=Transport.REST_ROWS,
    generator="locust",
    requests=100,
    failures={"503: busy": 20},
    seconds=4.0,
    latency=Quantiles(p50_ms=5.5, p95_ms=6.0, p99_ms=7.0),
    cpu_seconds={"server": 2.0, "generator": 1.0},
    versions=(3, 4),
)


def test_without_a_pushed_version_it_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "serving" / "taxi" / "12.tmp").mkdir(parents=True)
    with pytest.raises(NothingToTestError, match=r"found 0 versions; run `make run-local TASK=taxi VAR=.*` first"):
        subject("taxi", tmp_path)


def test_the_command_says_so_too_and_ends_with_1(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.serving", "--var", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "benchmarks.serving: expected a pushed version in" in ended.stderr
    assert not (tmp_path / "bench").exists()


def test_the_newest_version_is_the_subject(tmp_path: Path) -> None:
    for version in ("9", "10", "11.tmp"):
        extra = tmp_path / "serving" / "taxi" / version / "assets.extra"
        extra.mkdir(parents=True)
        (extra / "schema.pbtxt").touch()
    run = tmp_path / "runs" / "latest"
    run.mkdir(parents=True)
    (run / "summary.json").write_text("{}")
    found = subject("taxi", tmp_path)
    assert (found.version.name, found.run, found.gateway.name) == ("10", run, "taxi.toml")


def test_what_processes_hand_to_one_another_arrives(tmp_path: Path) -> None:
    assert MeasuredPhase.from_json(json.loads(json.dumps(dataclasses.asdict(MEASURED)))) == MEASURED
    targets = Targets(
        model="taxi", rest_port=1, grpc_port=2, gateway_port=3, gateway_route="/v1/tip", processes={"server": 4}
    )
    sent, unused = Request(b"\xff{}", (0.1, 0.2)), Request(b"unused", (0.3,))
    requests = {(Transport.REST_ROWS, 64): [sent], (Transport.GATEWAY, 64): [unused]}
    LoadPlan(targets=targets, phases=[PHASE], requests=requests).write(tmp_path / "plan.json")
    assert LoadPlan.read(tmp_path / "plan.json") == LoadPlan(
        targets=targets, phases=[PHASE], requests={(Transport.REST_ROWS, 64): [sent]}
    )
    assert targets.url(Transport.GATEWAY) == "http://127.0.0.1:3/v1/tip"
    assert targets.url(Transport.GRPC_EXAMPLES) == "127.0.0.1:2"


def test_the_record_names_units_and_leaves_failures_out_of_throughput() -> None:
    bare = [
        Bare(
            call=SIGNATURE_CALL,
            signature=signature,
            batch_rows=rows,
            times=tuple(Quantiles(p50_ms=p50, p95_ms=4.0, p99_ms=5.0) for p50 in (rows, rows + 0.5, 900.0)),
        )
        for signature in ("serving_default", "serving_raw")
        for rows in (1, 64)
    ]
    single = dataclasses.replace(MEASURED, phase=dataclasses.replace(PHASE, batch_rows=1))
    found = document({}, bare, [MEASURED, single], Swaps(swaps=2, measured=(MEASURED,)))
    phase = found["phases"][0]
    assert phase == {
        "transport": "REST rows",
        "signature": "serving_raw",
        "batching": "on",
        "batch_rows": 64,
        "concurrency": 8,
        "generator": "locust",
        "seconds": 4.0,
        "requests": 100,
        "failed": 20,
        "failures": {"503: busy": 20},
        "requests_per_second": 25.0,
        "predictions_per_second": 80 * 64 / 4,
        "p50_ms": 5.5,
        "p95_ms": 6.0,
        "p99_ms": 7.0,
        "p50_over_signature_call_ms": -59.0,  # the median of the three medians for 64 rows is 64.5
        "generator_cpu_seconds": 1.0,
        "server_cpu_seconds": 2.0,
    }
    assert record.per_request_ms(phase, "server") == 20
    assert {name: found["swaps"][name] for name in ("swaps", "versions_that_answered", "requests", "failed")} == {
        "swaps": 2,
        "versions_that_answered": 2,
        "requests": 100,
        "failed": 20,
    }


def test_the_file_is_whole_or_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "bench" / "serving.json"
    record.write(path, {"format": 1})
    with pytest.raises(TypeError):
        record.write(path, {"format": object()})
    assert json.loads(path.read_text()) == {"format": 1}
    assert list(path.parent.iterdir()) == [path]


def test_a_pushed_copy_is_complete(tmp_path: Path) -> None:
    version, base = tmp_path / "1", tmp_path / "base"
    version.mkdir()
    (version / "saved_model.pb").write_bytes(b"graph")
    base.mkdir()
    push(version, base, 2)
    assert [path.name for path in base.iterdir()] == ["2"]
    assert (base / "2" / "saved_model.pb").read_bytes() == b"graph"


@pytest.mark.pipeline
def test_a_server_that_cannot_start_is_named_with_its_log(tmp_path: Path) -> None:
    version = tmp_path / "taxi" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(b"no model")
    settings = Path("serving/gateway/taxi.toml")
    with (
        pytest.raises(ServerError, match=r"(?s)serving server ended by itself with status 2.*its log ends with.*"),
        serving("taxi", tmp_path / "taxi", Batching.OFF, settings, tmp_path),
    ):
        pytest.fail("a server of no model must not be ready")
