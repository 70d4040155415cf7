"""What the benchmark of the engines is made of; the benchmark itself takes minutes."""

import datetime
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from benchmarks import measured_process
from benchmarks.engine_artifacts import SPLITS, differences
from benchmarks.engines import summarise
from benchmarks.measured_process import MeasuredRun, measure
from components.row_keys import ROW_KEY

Rows = Iterable[dict[str, Any]]


def write_transformed(folder: Path, *files: Rows) -> None:
    """Writes the same files for both splits."""
    for split in SPLITS:
        target = folder / "Transform" / "transformed_examples" / "3" / f"Split-{split}"
        target.mkdir(parents=True)
        for number, rows in enumerate(files):
            with tf.io.TFRecordWriter(str(target / f"{number}.gz"), "GZIP") as writer:
                for row in rows:
                    features = {
                        ROW_KEY: tf.train.Feature(int64_list=tf.train.Int64List(value=[row["key"]])),
                        "miles": tf.train.Feature(float_list=tf.train.FloatList(value=[row["miles"]])),
                    }
                    example = tf.train.Example(features=tf.train.Features(feature=features))
                    writer.write(example.SerializeToString())
    for name in ("transform_fn/assets", "transformed_metadata"):
        (folder / "Transform" / "transform_graph" / "3" / name).mkdir(parents=True)


ONE, TWO, THREE = ({"key": number, "miles": float(number)} for number in (1, 2, 3))


def test_rows_in_other_files_and_another_order_are_the_same(tmp_path: Path) -> None:
    write_transformed(tmp_path / "one", [ONE, TWO, THREE])
    write_transformed(tmp_path / "other", [THREE], [{"key": 2, "miles": 2.0 + 1e-7}, ONE])
    assert differences(tmp_path / "one", tmp_path / "other") == []


@pytest.mark.parametrize(
    "rows",
    [[ONE, TWO], [ONE, TWO, TWO], [ONE, TWO, {"key": 3, "miles": 3.1}], [ONE, TWO, {"key": 4, "miles": 3.0}]],
    ids=["lost", "doubled", "changed", "foreign"],
)
def test_a_row_that_is_not_the_same_is_named_by_its_artifact(tmp_path: Path, rows: Rows) -> None:
    write_transformed(tmp_path / "one", [ONE, TWO, THREE])
    write_transformed(tmp_path / "other", list(rows))
    expected = [f"Transform/transformed_examples: {split}" for split in sorted(SPLITS)]
    assert differences(tmp_path / "one", tmp_path / "other") == expected


def test_a_nodes_memory_is_the_highest_while_it_ran() -> None:
    start = datetime.datetime(2026, 11, 21, 10, tzinfo=datetime.UTC)
    nodes = [
        {"id": "ExampleGen", "started": start.isoformat(), "seconds": 4.0},
        {"id": "Trainer", "started": (start + datetime.timedelta(seconds=5)).isoformat(), "seconds": 2.0},
    ]
    samples = [(start.timestamp() + after, mib) for after, mib in ((-1, 900), (1, 300), (3, 400), (6, 700), (8, 800))]
    measured = MeasuredRun(seconds=9.04, peak_mib=900, processor_seconds=7.5, samples=samples)
    assert summarise(measured, nodes) == {
        "seconds": 9.0, "processor_seconds": 7.5, "peak_mib": 900, "beam_seconds": 4.0,
        "nodes": {"ExampleGen": 4.0, "Trainer": 2.0}, "node_mib": {"ExampleGen": 400, "Trainer": 700},
    }  # fmt: skip


def test_what_works_beside_the_measured_process_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured_process, "MEMORY_SECONDS", 0.05)
    works = "held = bytearray(150 * 2**20); print(flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", works], stdout=subprocess.PIPE) as beside:
        assert beside.stdout is not None
        beside.stdout.readline()
        command = [sys.executable, "-c", "import time; time.sleep(1.5)"]
        measured = measure(command, tmp_path, {}, tmp_path / "log", [beside.pid])
        beside.kill()
    assert measured.peak_mib > 150
    assert measured.processor_seconds > 0.05
    assert max(mib for _, mib in measured.samples) == measured.peak_mib
