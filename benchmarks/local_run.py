"""Measure runs of the taxi task, and of TFX's own taxi example (upstream) in the same environment.

    python -m benchmarks.local_run --rows 300040 --repeats 3 --out var/bench

A round has five runs: upstream's `taxi_pipeline_native_keras.py` as installed with tfx, in a temporary home; our taxi
task cold, in a temporary folder; the same again unchanged; after an edit of the model; and after an edit of
preprocessing. `--runs` chooses among them; each of the last three needs the runs before it. All read the same rows: the
shipped ones, or more of them (benchmarks.varied_trips). The command writes medians, the ratio within a round, and
seconds and peak memory of each node and of all nodes to `<out>/local_run_<rows>.json`. It prints them next to the aims.
`python -m benchmarks.growth` plots the results of several numbers of rows. If other work runs on the machine, compare
ratios, not seconds.
"""

import argparse
import dataclasses
import datetime
import importlib.util
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measured_process import MEMORY, OWN_MEMORY, MeasuredRun, measure
from benchmarks.node_memory import peak_by_node
from benchmarks.varied_trips import write_trips

_PROJECT = Path(__file__).resolve().parents[1]
_SOURCES = ("components", "data", "pipelines", "serving", "pyproject.toml")
UPSTREAM, COLD, UNCHANGED = "upstream", "cold", "unchanged"
MODEL_EDITED, PREPROCESSING_EDITED = "model edited", "preprocessing edited"
RUNS = (UPSTREAM, COLD, UNCHANGED, MODEL_EDITED, PREPROCESSING_EDITED)
_TASK = Path("pipelines", "tasks", "taxi")
EDITED = {MODEL_EDITED: _TASK / "model.py", PREPROCESSING_EDITED: _TASK / "preprocessing.py"}
SHIPPED_ROWS = 15_002
AIMED_RATIOS = {SHIPPED_ROWS: 0.35, 300_040: 0.30}  # rows -> largest ratio of a cold run's seconds to upstream's
AIMED_SECONDS = {UNCHANGED: 6.0, MODEL_EDITED: 25.0, PREPROCESSING_EDITED: 35.0}  # largest, with SHIPPED_ROWS


def main() -> None:
    """Run the benchmark; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=SHIPPED_ROWS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=RUNS)
    parser.add_argument("--out", type=Path, default=Path("var/bench"))
    options = parser.parse_args()
    console = Console(highlight=False)
    rounds = []
    for number in range(options.repeats):
        with tempfile.TemporaryDirectory(prefix="local_run_") as directory:
            rounds.append(one_round(Path(directory), options.rows, options.runs))
        seconds = ", ".join(f"{name} {measured.seconds:.1f} s" for name, measured in rounds[-1].items())
        console.print(f"round {number + 1} of {options.repeats}: {seconds}")
    result = {"rows": options.rows, **summarise(rounds)}
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"local_run_{options.rows}.json"
    path.write_text(json.dumps(result, indent=2) + "\n")
    console.print(_table(result))
    if result["ratio_cold_to_upstream"]:
        ratio, aim = result["ratio_cold_to_upstream"], AIMED_RATIOS.get(options.rows)
        judgement = f": {judge(ratio, aim)}" if aim else ""
        console.print(f"cold run, all gates included: {ratio:.2f} × upstream{judgement}")
    console.print(f"written to {path}")


def one_round(directory: Path, rows: int, runs: Sequence[str]) -> dict[str, MeasuredRun]:
    """Run the chosen runs in `directory`, in the order of RUNS.

    Args:
        directory: a new folder.
        rows: of the taxi task.
        runs: names of RUNS.

    Returns:
        The figures of each run, by name.

    Raises:
        RuntimeError: A run failed, so its time would mean nothing.
    """
    project, var, data = copy_project(directory / "project"), directory / "var", directory / "data"
    data.mkdir()
    write_trips(data / "data.csv", rows)
    measured = {}
    for name in (name for name in RUNS if name in runs):
        if name == UPSTREAM:
            measured[name] = _upstream(directory / "home", data)
            continue
        if name in EDITED:
            edit(project / EDITED[name])
        measured[name] = _ours(project, var, data)
    return measured


def edit(module: Path) -> None:
    """Edit a module so that everything that depends on it runs again with the same result."""
    with module.open("a") as source:
        source.write("\n_EDITED = True\n")  # a statement, because an edited comment makes no node run again


def judge(value: float, aim: float) -> str:
    """Say whether a value is at most its aim."""
    return f"aim {aim:g}, {'reached' if value <= aim else 'not reached'}"


def copy_project(directory: Path) -> Path:
    """Copy the parts of the project that a run needs to `directory`, to be edited there, and return it."""
    for name in _SOURCES:
        source = _PROJECT / name
        if source.is_dir():
            shutil.copytree(source, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, directory / name)
    return directory


def summarise(rounds: list[dict[str, MeasuredRun]]) -> dict[str, object]:
    """Return medians over the rounds; ratios are taken within each round first."""
    runs = {}
    for name in rounds[0]:
        of_name = [one[name] for one in rounds]
        runs[name] = {
            "seconds": round(statistics.median(m.seconds for m in of_name), 2),
            "all_seconds": [round(m.seconds, 2) for m in of_name],
            "peak_mib": round(statistics.median(m.peak_mib for m in of_name)),
            "nodes": {node: round(statistics.median(m.nodes[node] for m in of_name), 2) for node in of_name[0].nodes},
            "node_mib": {
                node: round(statistics.median(m.node_mib.get(node, 0.0) for m in of_name))
                for node in sorted(set().union(*(m.node_mib for m in of_name)))
            },
        }
    ratio = None
    if UPSTREAM in runs and COLD in runs:
        ratio = round(statistics.median(one[COLD].seconds / one[UPSTREAM].seconds for one in rounds), 3)
    return {
        "repeats": len(rounds),
        "cores": os.cpu_count(),
        "memory": MEMORY,
        "memory_of_nodes": OWN_MEMORY,
        "ratio_cold_to_upstream": ratio,
        "runs": runs,
    }


def _upstream(home: Path, data: Path) -> MeasuredRun:
    """Run TFX's taxi example, set up in a home folder as its instructions say; it needs Keras 2."""
    spec = importlib.util.find_spec("tfx.examples.chicago_taxi_pipeline")
    if spec is None or spec.origin is None:
        raise RuntimeError("the installed tfx has no chicago_taxi_pipeline example: expected it in tfx/examples")
    example = Path(spec.origin).parent
    shutil.copytree(data, home / "taxi" / "data" / "simple")
    shutil.copy(example / "taxi_utils_native_keras.py", home / "taxi")
    environment = {"HOME": str(home), "TMPDIR": str(home), "TF_USE_LEGACY_KERAS": "1"}
    command = [sys.executable, str(example / "taxi_pipeline_native_keras.py")]
    return measure(command, home, environment, home.parent / "output.log")


def _ours(project: Path, var: Path, data: Path) -> MeasuredRun:
    command = [sys.executable, "-m", "pipelines", "run", "--var", str(var), "--data", str(data)]
    measured = measure(command, project, {}, project.parent / "output.log")
    summary = json.loads((var / "runs" / "latest" / "summary.json").read_text())
    nodes = {node["id"]: node["seconds"] for node in summary["nodes"]}
    return dataclasses.replace(
        measured,
        nodes={**nodes, "start and end": measured.seconds - busy(summary["nodes"])},
        node_mib=peak_by_node(measured.branches, summary["nodes"]),
    )


def busy(nodes: Sequence[Mapping[str, Any]]) -> float:
    """Return the seconds from the first node's start to the last node's end; nodes may overlap."""
    starts = [datetime.datetime.fromisoformat(node["started"]).timestamp() for node in nodes]
    ends = [start + node["seconds"] for start, node in zip(starts, nodes, strict=True)]
    return max(ends) - min(starts)


def _table(result: Mapping[str, object]) -> Table:
    table = Table("run", "median seconds", "aim", "peak MiB", "slowest nodes", box=None, pad_edge=False)
    aims = AIMED_SECONDS if result["rows"] == SHIPPED_ROWS else {}
    runs: dict[str, dict] = result["runs"]  # type: ignore[assignment]
    for name, run in runs.items():
        slowest = sorted(run["nodes"].items(), key=lambda item: -item[1])[:5]
        table.add_row(
            name,
            f"{run['seconds']:.1f}",
            judge(run["seconds"], aims[name]) if name in aims else "",
            f"{run['peak_mib']:,}",
            ", ".join(f"{node} {seconds:.1f}" for node, seconds in slowest if seconds >= 0.1),
        )
    return table


if __name__ == "__main__":
    main()
