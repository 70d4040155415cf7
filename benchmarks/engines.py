"""Measure the time and memory of the taxi task on the local engine, on Flink with one slot, and with two slots.

    python -m benchmarks.engines --rows 300040 --out var/bench

Each run starts without a cache in a temporary folder. For a run on Flink, a cluster is started on this machine and
stopped afterwards. On every engine the nodes run one after the other. Memory is the sum over all processes: the run,
the cluster and its workers. Every artifact, metrics included, is parsed and compared with that of the local engine.
The command prints seconds and peak memory by node, and writes them to `<out>/engines_<rows>.json` after each run.

Exit status 1: an artifact differs, or a run failed or was refused by a gate, such as SkewGate.
"""

import argparse
import contextlib
import datetime
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.engine_artifacts import differences
from benchmarks.local_run import SHIPPED_ROWS
from benchmarks.measured_process import MEMORY, MEMORY_SECONDS, MeasuredRun, measure
from benchmarks.varied_trips import write_trips
from environment.flink import packages
from environment.flink.cluster import Cluster, running_processes
from environment.flink.tether import tethered

_PROJECT = Path(__file__).resolve().parents[1]
LOCAL = "local"
SLOTS = {"flink-1": 1, "flink-2": 2}  # TaskManagers, each with one slot
RUNS = (LOCAL, *SLOTS)
BEAM_NODES = ("ExampleGen", "StatisticsGen", "Transform", "Evaluator")


def main() -> int:
    """Run the benchmark; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=SHIPPED_ROWS)
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=RUNS)
    parser.add_argument("--out", type=Path, default=Path("var/bench"))
    options = parser.parse_args()
    console = Console(highlight=False)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"engines_{options.rows}.json"
    runs: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="engines_") as directory:
        data = Path(directory, "data")
        data.mkdir()
        write_trips(data / "data.csv", options.rows)
        for name in (name for name in RUNS if name in options.runs):
            runs[name] = one_run(Path(directory), name, data)
            result = {"rows": options.rows, "cores": os.cpu_count(), "memory": MEMORY, "runs": runs}
            path.write_text(json.dumps(result, indent=2) + "\n")
            console.print(f"{name}: {runs[name]['seconds']:.1f} s")
    console.print(_table(runs))
    console.print(f"written to {path}")
    return 1 if any(run["differences"] for run in runs.values()) else 0


def one_run(directory: Path, name: str, data: Path) -> dict[str, Any]:
    """Run the pipeline without a cache on one engine, and compare its artifacts with those of the local engine.

    Args:
        directory: gets a folder for each run.
        name: of the engine, one of RUNS.
        data: the folder of rows.

    Returns:
        The figures, SkewGate's reasons, and the differences from the local engine's run; None if it was not run.

    Raises:
        RuntimeError: The run failed, or a gate refused the model, so its time would mean nothing.
    """
    var = directory / name
    engine = "flink" if name in SLOTS else LOCAL
    command = [sys.executable, "-m", "pipelines", "run", "--var", str(var), "--data", str(data), "--engine", engine]
    with contextlib.ExitStack() as stack:
        helpers = []
        if name in SLOTS:
            stack.enter_context(tethered(Cluster(var / "flink", packages.fetch()), SLOTS[name], 1))
            helpers = [process.pid for process in running_processes(var / "flink").values()]
        measured = measure([*command, "--at-once", "1"], _PROJECT, {}, directory / "output.log", helpers)
    summary = json.loads((var / "runs" / "latest" / "summary.json").read_text())
    artifacts = [directory / run / "artifacts" / "taxi" for run in (LOCAL, name)]
    return {
        **summarise(measured, summary["nodes"]),
        "skew": next(gate["reasons"] for gate in summary["gates"] if gate["gate"] == "SkewGate"),
        "differences": differences(*artifacts) if name in SLOTS and artifacts[0].is_dir() else None,
    }


def summarise(measured: MeasuredRun, nodes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return seconds and peak memory of a run, as a whole and by node.

    Args:
        measured: the run.
        nodes: of its summary.json; one ran after the other.

    Returns:
        The figures, by name.
    """
    return {
        "seconds": round(measured.seconds, 1),
        "processor_seconds": round(measured.processor_seconds, 1),
        "peak_mib": round(measured.peak_mib),
        "nodes": {node["id"]: node["seconds"] for node in nodes},
        "node_mib": {node["id"]: round(_peak_during(node, measured.samples)) for node in nodes},
        "beam_seconds": round(sum(node["seconds"] for node in nodes if node["id"] in BEAM_NODES), 1),
    }


def _peak_during(node: Mapping[str, Any], samples: Sequence[tuple[float, float]]) -> float:
    """Return the largest sum of memory while a node ran; for a short node, also of the sample after it."""
    start = datetime.datetime.fromisoformat(node["started"]).timestamp()
    end = start + max(node["seconds"], 2 * MEMORY_SECONDS)
    return max((mib for moment, mib in samples if start <= moment <= end), default=0.0)


def _table(runs: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table("", *runs, box=None, pad_edge=False)
    for row in ("seconds", "processor_seconds", "beam_seconds", "peak_mib"):
        table.add_row(row.replace("_", " "), *(f"{run[row]:,.0f}" for run in runs.values()))
    for node in next(iter(runs.values()))["nodes"]:
        shown = (f"{run['nodes'][node]:,.1f} s, {run['node_mib'][node]:,} MiB" for run in runs.values())
        table.add_row(node, *shown)
    table.add_row("differs", *(_describe(run["differences"]) for run in runs.values()))
    return table


def _describe(differences: Sequence[str] | None) -> str:
    return "not compared" if differences is None else "; ".join(differences) or "nothing"


if __name__ == "__main__":
    sys.exit(main())
