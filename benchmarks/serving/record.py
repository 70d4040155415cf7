"""Write var/bench/serving.json: a load test's figures, and the goals' verdicts (docs/explanation/performance.md)."""

import dataclasses
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.serving.goals import SIGNATURE, BareCall, goals, overhead_ms
from benchmarks.serving.phases import MeasuredPhase, Quantiles
from serving.durable_file import write_whole

FORMAT = 2  # 1 had `reached` in place of `verdict`
SIGNATURE_CALL, SESSION_CALL = "signature", "session"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bare:
    """A call of the model in the benchmark's own process.

    Attributes:
        call: SIGNATURE_CALL, by tf.saved_model.load; or SESSION_CALL, as in the server.
        signature: which signature.
        batch_rows: rows in a call.
        times: quantiles of each measurement, between the servers' phases.
    """

    call: str
    signature: str
    batch_rows: int
    times: tuple[Quantiles, ...]

    @property
    def median(self) -> Quantiles:
        """Return the median over the measurements of each quantile."""
        names = [field.name for field in dataclasses.fields(Quantiles)]
        return Quantiles(**{name: statistics.median(getattr(one, name) for one in self.times) for name in names})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Swaps:
    """The run with version swaps."""

    swaps: int
    measured: tuple[MeasuredPhase, ...]


def document(
    about: Mapping[str, Any],
    bare: Sequence[Bare],
    measured: Sequence[MeasuredPhase],
    swaps: Swaps,
    in_turn: Sequence[MeasuredPhase] = (),
) -> dict[str, Any]:
    """Make the whole record.

    Args:
        about: machine and model.
        bare: calls without a server.
        measured: the phases.
        swaps: the run with swaps.
        in_turn: the peer and ours, in turn.

    Returns:
        The record, ready for JSON.
    """
    signature_calls = {
        one.signature: BareCall(median=one.median, p50_ms_each_time=tuple(each.p50_ms for each in one.times))
        for one in bare
        if (one.call, one.batch_rows) == (SIGNATURE_CALL, 1)
    }
    versions = {version for one in swaps.measured for version in one.versions}
    return {
        "format": FORMAT,
        **about,
        "bare_calls": [
            {"call": one.call, "signature": one.signature, "batch_rows": one.batch_rows}
            | dataclasses.asdict(one.median)
            | {"p50_ms_each_time": [each.p50_ms for each in one.times]}
            for one in bare
        ],
        "phases": [_phase(one, bare) for one in measured],
        "peer": [_phase(one, bare) for one in in_turn],
        "swaps": {
            "swaps": swaps.swaps,
            "versions_that_answered": len(versions),
            "requests": sum(one.requests for one in swaps.measured),
            "failed": sum(one.failed for one in swaps.measured),
            "phases": [_phase(one, ()) for one in swaps.measured],
        },
        "goals": [dataclasses.asdict(goal) for goal in goals(signature_calls, measured, swaps.measured, in_turn)],
    }


def write(path: Path, record: Mapping[str, Any]) -> None:
    """Write the file, completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(record, indent=2) + "\n")


def _phase(one: MeasuredPhase, bare: Sequence[Bare]) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "transport": one.transport.value,
        "signature": SIGNATURE[one.transport],
        "batching": one.phase.batching.value,
        "batch_rows": one.phase.batch_rows,
        "concurrency": one.phase.concurrency,
        "generator": one.generator,
        "seconds": round(one.seconds, 3),
        "requests": one.requests,
        "failed": one.failed,
        "failures": one.failures,
        "requests_per_second": round(one.requests / one.seconds, 1),
        "predictions_per_second": round(one.predictions_per_second, 1),
    }
    if one.latency is not None:
        figures |= dataclasses.asdict(one.latency)
    for each in bare:
        if (each.signature, each.batch_rows) == (SIGNATURE[one.transport], one.phase.batch_rows):
            figures[f"p50_over_{each.call}_call_ms"] = overhead_ms(one, each.median)
    return figures | {f"{role}_cpu_seconds": round(seconds, 3) for role, seconds in sorted(one.cpu_seconds.items())}


def per_request_ms(phase: Mapping[str, Any], role: str) -> float:
    """Return the processor time of a process per request, in milliseconds."""
    return 1000 * float(phase.get(f"{role}_cpu_seconds", 0)) / max(phase["requests"], 1)
