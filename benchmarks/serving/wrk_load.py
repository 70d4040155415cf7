"""Generate the load with wrk, if it is installed: a generator in C, whose cost is negligible next to the servers'.

It speaks HTTP only, and checks the status of an answer, not its content.
"""

import json
import math
import resource
import shutil
import subprocess
from pathlib import Path

from benchmarks.serving.cpu import GENERATOR, CpuClock
from benchmarks.serving.phases import MeasuredPhase, Phase, Quantiles
from benchmarks.serving.plan import LoadPlan

_SCRIPT = Path(__file__).with_name("wrk_load.lua")
_ERRORS = ("connect", "read", "write", "status", "timeout")  # wrk's counters
_PATIENCE_SECONDS = 30  # for an answer


def installed() -> bool:
    """Return whether wrk is on this machine."""
    return shutil.which("wrk") is not None


def run(plan: LoadPlan, phase: Phase, folder: Path) -> MeasuredPhase:
    """Run one phase of one HTTP transport for its seconds.

    Args:
        plan: the requests and addresses.
        phase: to run.
        folder: for wrk's input and output.

    Returns:
        The figures of the phase.

    Raises:
        subprocess.CalledProcessError: wrk failed.
    """
    (transport,) = phase.transports
    bodies = folder / "wrk.jsonl"
    bodies.write_bytes(b"\n".join(request.body for request in plan.requests[transport, phase.batch_rows]) + b"\n")
    command = ["wrk", "--threads", "1", "--connections", str(phase.concurrency), "--timeout", f"{_PATIENCE_SECONDS}s"]
    command += ["--duration", f"{math.ceil(phase.seconds)}s", "--script", str(_SCRIPT), plan.targets.url(transport)]
    clock, own = CpuClock(plan.targets.processes), _cpu_seconds_of_children()
    output = subprocess.run([*command, "--", str(bodies)], check=True, capture_output=True, text=True).stdout
    _, cpu_seconds = clock.read()
    saw = json.loads(output.splitlines()[-1])
    return MeasuredPhase(
        phase=phase,
        transport=transport,
        generator="wrk",
        requests=saw["requests"],
        failures={f"wrk counts as: {name}": saw[name] for name in _ERRORS if saw[name]},
        seconds=saw["seconds"],
        latency=Quantiles(**{f"{name}_ms": saw[f"{name}_us"] / 1000 for name in ("p50", "p95", "p99")}),
        cpu_seconds=cpu_seconds | {GENERATOR: round(_cpu_seconds_of_children() - own, 3)},
    )


def _cpu_seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
