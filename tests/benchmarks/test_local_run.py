"""What the benchmark of whole runs is made of; `make bench` itself takes minutes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.local_run import MeasuredRun, busy, copy_project, summarise


@pytest.mark.slow
def test_the_copy_holds_all_that_a_run_imports(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    code = "import pipelines.runner.local_run as run; from pipelines.task_definition import task; "
    code += "task.load_task('taxi'); print(run)"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert str(project) in done.stdout


def test_ratios_are_taken_within_a_round() -> None:
    def one(upstream: float, cold: float) -> dict[str, MeasuredRun]:
        return {
            "upstream": MeasuredRun(seconds=upstream, peak_mib=100),
            "cold": MeasuredRun(seconds=cold, peak_mib=50, nodes={"Trainer": cold / 2}),
        }

    result = summarise([one(10, 9), one(40, 12), one(20, 16)])
    assert result["ratio_cold_to_upstream"] == 0.8  # of 0.9, 0.3 and 0.8; not 0.6, that of the medians
    assert result["runs"]["cold"] == {
        "seconds": 12.0, "all_seconds": [9, 12, 16], "peak_mib": 50, "nodes": {"Trainer": 6.0}
    }  # fmt: skip


def test_nodes_that_ran_at_the_same_time_count_once() -> None:
    nodes = [
        {"started": "2026-11-21T10:00:00.000+00:00", "seconds": 4.0},
        {"started": "2026-11-21T10:00:04.500+00:00", "seconds": 6.0},
        {"started": "2026-11-21T10:00:05.500+00:00", "seconds": 2.0},
    ]
    assert busy(nodes) == pytest.approx(10.5)
