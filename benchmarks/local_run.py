"""How long one whole iteration takes, beside upstream's own example in the same environment.

    python -m benchmarks.local_run --repeats 3 --out var/bench

Runs in turn, `repeats` times: upstream's `taxi_pipeline_native_keras.py` as installed with tfx, in a temporary home;
our taxi task cold, in a temporary folder; the same again unchanged; and again after an edit of the model. Writes
medians, the ratio within a round, seconds per node and peak memory to `<out>/local_run.json`. Machines are shared and
noisy: the ratio is the figure to look at.
"""

import argparse
import dataclasses
import datetime
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

_PROJECT = Path(__file__).resolve().parents[1]
_SOURCES = ("components", "data", "pipelines", "serving", "pyproject.toml")
_EDITED = Path("pipelines", "taxi", "model.py")
_MEMORY_SECONDS = 0.2  # between two looks at the process tree


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeasuredRun:
    """One run of one program."""

    seconds: float  # wall clock, process start to end
    peak_mib: float  # resident memory of the process and its children together, at the highest
    nodes: dict[str, float] = dataclasses.field(default_factory=dict)  # seconds in each node, where the run tells


def main() -> None:
    """Runs the benchmark; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("var/bench"))
    options = parser.parse_args()
    console = Console(highlight=False)
    rounds = []
    for number in range(options.repeats):
        with tempfile.TemporaryDirectory(prefix="local_run_") as directory:
            rounds.append(one_round(Path(directory)))
        seconds = ", ".join(f"{name} {measured.seconds:.1f} s" for name, measured in rounds[-1].items())
        console.print(f"round {number + 1} of {options.repeats}: {seconds}")
    result = summarise(rounds)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "local_run.json"
    path.write_text(json.dumps(result, indent=2) + "\n")
    console.print(_table(result))
    console.print(f"cold run, all gates included: {result['ratio_cold_to_upstream']:.2f} × upstream")
    console.print(f"written to {path}")


def one_round(directory: Path) -> dict[str, MeasuredRun]:
    """Runs all four in `directory`, which is removed afterwards.

    Raises:
        RuntimeError: One of them failed: its time would say nothing.
    """
    project = copy_project(directory / "project")
    var = directory / "var"
    measured = {
        "upstream": _upstream(directory / "home"),
        "cold": _ours(project, var),
        "unchanged": _ours(project, var),
    }
    with (project / _EDITED).open("a") as model:
        model.write("\n# An edit, so that everything that depends on the model runs again.\n")
    return {**measured, "model edited": _ours(project, var)}


def copy_project(directory: Path) -> Path:
    """Copies what a run needs to `directory`, to be edited there, and returns it."""
    for name in _SOURCES:
        source = _PROJECT / name
        if source.is_dir():
            shutil.copytree(source, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, directory / name)
    return directory


def summarise(rounds: list[dict[str, MeasuredRun]]) -> dict[str, object]:
    """Medians over the rounds; ratios are taken within each round first."""
    runs = {}
    for name in rounds[0]:
        of_name = [one[name] for one in rounds]
        runs[name] = {
            "seconds": round(statistics.median(m.seconds for m in of_name), 2),
            "all_seconds": [round(m.seconds, 2) for m in of_name],
            "peak_mib": round(statistics.median(m.peak_mib for m in of_name)),
            "nodes": {node: round(statistics.median(m.nodes[node] for m in of_name), 2) for node in of_name[0].nodes},
        }
    ratio = statistics.median(one["cold"].seconds / one["upstream"].seconds for one in rounds)
    return {"repeats": len(rounds), "cores": os.cpu_count(), "ratio_cold_to_upstream": round(ratio, 3), "runs": runs}


def _upstream(home: Path) -> MeasuredRun:
    """Upstream's example, laid out in a home as its own instructions say; it needs Keras 2 to run at all."""
    spec = importlib.util.find_spec("tfx.examples.chicago_taxi_pipeline")
    if spec is None or spec.origin is None:
        raise RuntimeError("the installed tfx has no chicago_taxi_pipeline example: expected it in tfx/examples")
    example = Path(spec.origin).parent
    shutil.copytree(example / "data" / "simple", home / "taxi" / "data" / "simple")
    shutil.copy(example / "taxi_utils_native_keras.py", home / "taxi")
    environment = {"HOME": str(home), "TMPDIR": str(home), "TF_USE_LEGACY_KERAS": "1"}
    return _measure([sys.executable, str(example / "taxi_pipeline_native_keras.py")], home, environment)


def _ours(project: Path, var: Path) -> MeasuredRun:
    measured = _measure([sys.executable, "-m", "pipelines", "run", "--var", str(var)], project, {})
    summary = json.loads((var / "runs" / "latest" / "summary.json").read_text())
    nodes = {node["id"]: node["seconds"] for node in summary["nodes"]}
    return dataclasses.replace(measured, nodes={**nodes, "start and end": measured.seconds - busy(summary["nodes"])})


def busy(nodes: Sequence[Mapping[str, Any]]) -> float:
    """Returns the seconds from the first node's start to the last one's end: some run at the same time."""
    starts = [datetime.datetime.fromisoformat(node["started"]).timestamp() for node in nodes]
    ends = [start + node["seconds"] for start, node in zip(starts, nodes, strict=True)]
    return max(ends) - min(starts)


def _measure(command: list[str], directory: Path, environment: Mapping[str, str]) -> MeasuredRun:
    log = directory.parent / "output.log"
    begin = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=directory, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT
        )
        peak = [0.0]
        watcher = threading.Thread(target=_watch, args=(process, peak))
        watcher.start()
        status = process.wait()
    seconds = time.monotonic() - begin
    watcher.join()
    if status:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise RuntimeError(f"{' '.join(command)} ended with status {status}:\n{tail}")
    return MeasuredRun(seconds=seconds, peak_mib=peak[0] / 2**20)


def _watch(process: subprocess.Popen[bytes], peak: list[float]) -> None:
    """Keeps the highest sum of resident memory in peak[0], bytes, until the process ends."""
    root = psutil.Process(process.pid)
    while process.poll() is None:
        total = 0
        for one in (root, *_children(root)):
            try:
                total += one.memory_info().rss
            except psutil.NoSuchProcess:
                continue  # It ended between the two looks.
        peak[0] = max(peak[0], total)
        time.sleep(_MEMORY_SECONDS)


def _children(root: psutil.Process) -> list[psutil.Process]:
    try:
        return list(root.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _table(result: Mapping[str, object]) -> Table:
    table = Table("run", "median seconds", "peak MiB", "slowest nodes", box=None, pad_edge=False)
    runs: dict[str, dict] = result["runs"]  # type: ignore[assignment]
    for name, run in runs.items():
        slowest = sorted(run["nodes"].items(), key=lambda item: -item[1])[:5]
        table.add_row(
            name,
            f"{run['seconds']:.1f}",
            f"{run['peak_mib']:,}",
            ", ".join(f"{node} {seconds:.1f}" for node, seconds in slowest if seconds >= 0.1),
        )
    return table


if __name__ == "__main__":
    main()
