"""What the benchmark of whole runs is made of; `make bench` itself takes minutes."""

import ast
import datetime
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pandas as pd
import psutil
import pytest

from benchmarks import measured_process
from benchmarks.growth import memory_by_row, plot_growth, read_growth
from benchmarks.local_run import EDITED, MeasuredRun, busy, copy_project, edit, judge, summarise
from benchmarks.measured_process import Branch, measure
from benchmarks.node_memory import ASKED, BETWEEN, RUNNER, peak_by_node
from benchmarks.varied_trips import write_trips
from data.taxi import packaged_file


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
    for name, module in EDITED.items():
        assert (project / module).is_file(), name


def test_more_trips_are_the_shipped_ones_varied_by_up_to_3_percent_and_the_same_each_time(tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        write_trips(tmp_path / name, 15_002 + 1_000)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    shipped, written = pd.read_csv(packaged_file()), pd.read_csv(tmp_path / "one.csv")
    pd.testing.assert_frame_equal(written[:15_002], shipped)
    varied, kept = written[15_002:].reset_index(drop=True), shipped[:1_000]
    for column in ("fare", "trip_miles"):
        there = kept[column] > 1
        ratio = varied[column][there] / kept[column][there]
        assert ratio.between(0.96, 1.04).all()
        assert 0.01 < ratio.std() < 0.02, "3% / √3"
    same = [column for column in kept if column not in ("fare", "trip_miles")]
    pd.testing.assert_frame_equal(varied[same], kept[same])


def test_memory_is_that_of_the_whole_tree_and_a_failure_is_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured_process, "MEMORY_SECONDS", 0.05)
    child = "held = bytearray(150 * 2**20); import time; time.sleep(0.6)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    measured = measure([sys.executable, "-c", parent], tmp_path, {}, tmp_path / "log")
    assert 150 < measured.peak_mib < 250
    assert measured.seconds > 0.6
    ours, branch = measured.branches
    assert ours.peak_mib < 50 < 150 < branch.peak_mib, "the branch holds what its child took"
    assert ours.started < branch.started < ours.started + measured.seconds
    assert (ours.is_fork, branch.is_fork) == (True, False), "another command"
    forks = "import os, time; os.fork() or time.sleep(1); time.sleep(1)"
    (_, fork) = measure([sys.executable, "-c", forks], tmp_path, {}, tmp_path / "log").branches
    assert fork.is_fork
    with pytest.raises(RuntimeError, match=r"ended with status 3:\nno luck"):
        measure([sys.executable, "-c", "print('no luck'); exit(3)"], tmp_path, {}, tmp_path / "log")


def test_memory_that_cannot_be_read_is_no_small_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    denied = mock.Mock(side_effect=psutil.AccessDenied(pid=1))
    monkeypatch.setattr(psutil.Process, "memory_full_info", denied)
    with pytest.raises(RuntimeError, match=r"the memory of process \d+ cannot be read"):
        measure([sys.executable, "-c", "import time; time.sleep(0.2)"], tmp_path, {}, tmp_path / "log")


def test_the_curve_holds_every_result_that_there_is(tmp_path: Path) -> None:
    few = {"rows": 15_002, "runs": {"cold": {"seconds": 50.0, "peak_mib": 2000}}}
    many = {"rows": 300_040, "runs": {name: {"seconds": 90.0, "peak_mib": 3000} for name in ("cold", "upstream")}}
    table = read_growth([many, few])
    assert table["rows"].tolist() == [15_002, 300_040, 300_040]
    assert table["seconds"].tolist() == [50.0, 90.0, 90.0]
    plot_growth(table).save(str(tmp_path / "growth.svg"))
    assert "300,040" in (tmp_path / "growth.svg").read_text()


def test_ratios_are_taken_within_a_round() -> None:
    def one(upstream: float, cold: float) -> dict[str, MeasuredRun]:
        return {
            "upstream": MeasuredRun(seconds=upstream, peak_mib=100),
            "cold": MeasuredRun(
                seconds=cold, peak_mib=50, nodes={"Trainer": cold / 2}, node_mib={"Trainer": cold * 10}
            ),
        }

    result = summarise([one(10, 9), one(40, 12), one(20, 16)])
    assert result["ratio_cold_to_upstream"] == 0.8  # of 0.9, 0.3 and 0.8; not 0.6, that of the medians
    assert result["memory"] in ("pss", "rss")
    assert summarise([{"cold": MeasuredRun(seconds=9, peak_mib=50)}])["ratio_cold_to_upstream"] is None
    assert result["runs"]["cold"] == {
        "seconds": 12.0, "all_seconds": [9, 12, 16], "peak_mib": 50, "nodes": {"Trainer": 6.0},
        "node_mib": {"Trainer": 120},
    }  # fmt: skip


def test_a_process_is_of_the_node_that_began_before_it() -> None:
    nodes = [
        {"id": "Trainer", "started": "2026-11-21T10:00:00.000+00:00", "seconds": 4.0},
        {"id": "SkewGate", "started": "2026-11-21T10:00:10.000+00:00", "seconds": 8.0},
        {"id": "Evaluator", "started": "2026-11-21T10:00:11.000+00:00", "seconds": 2.0},
        {"id": "Pusher", "started": "", "seconds": 0.0},
    ]
    began = datetime.datetime.fromisoformat(nodes[0]["started"]).timestamp()
    branches = [
        Branch(started=began + after, peak_mib=mib)
        for after, mib in ((-9, 900), (-3, 5), (0.1, 300), (5, 7), (9.99, 700), (11.2, 200), (11.4, 90))
    ]
    branches.append(Branch(started=began + 0.2, peak_mib=800, is_fork=False))  # It starts when the Trainer does.
    assert peak_by_node(branches, nodes) == {
        RUNNER: 900, BETWEEN: 7, "Trainer": 300, "SkewGate": 700, "Evaluator": 200, ASKED: 800
    }  # fmt: skip


def test_bytes_a_row_are_those_between_the_two_largest_results() -> None:
    sizes = {15_002: {"Trainer": 9, "SkewGate": 1}, 100_000: {"Trainer": 10, "SkewGate": 20}}
    sizes[1_148_576] = {"Trainer": 110, "SkewGate": 20, "Tuner": 5}
    results = [{"rows": rows, "runs": {"cold": {"node_mib": mib}}} for rows, mib in sizes.items()]
    assert memory_by_row(results).to_dict("records") == [
        {"node": "Trainer", "from_rows": 100_000, "to_rows": 1_148_576, "bytes_a_row": 100},
        {"node": "SkewGate", "from_rows": 100_000, "to_rows": 1_148_576, "bytes_a_row": 0},
    ]
    assert memory_by_row(results[:1]).empty


def test_an_edit_is_one_that_the_cache_notices(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("X = 1\n")
    before = ast.dump(ast.parse(module.read_text()))
    edit(module)
    assert ast.dump(ast.parse(module.read_text())) != before


def test_an_aim_is_reached_or_not() -> None:
    assert judge(6.0, 6.0) == "aim 6, reached"
    assert judge(0.301, 0.3) == "aim 0.3, not reached"


def test_nodes_that_ran_at_the_same_time_count_once() -> None:
    nodes = [
        {"started": "2026-11-21T10:00:00.000+00:00", "seconds": 4.0},
        {"started": "2026-11-21T10:00:04.500+00:00", "seconds": 6.0},
        {"started": "2026-11-21T10:00:05.500+00:00", "seconds": 2.0},
    ]
    assert busy(nodes) == pytest.approx(10.5)
