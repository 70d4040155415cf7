"""Runs by different orchestrators side by side: what must be equal, and what is only shown."""

import json
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from benchmarks.orchestrators import main, read_run


def example(*names: str, value: float = 1.0) -> bytes:
    """A record whose features are written in the given order."""
    one = tf.train.Example()
    parts = []
    for name in names:
        one.Clear()
        one.features.feature[name].float_list.value.append(value)
        parts.append(one.SerializeToString())
    return b"".join(parts)  # Of a message's parts the maps are joined.


def make_run(
    folder: Path, *, rows: bytes = example("a", "b"), auc: float = 0.5, export: bytes = b"g", word: str = "x"
) -> Path:
    """A run's folder with its artifacts, elsewhere than another run's."""
    examples, graph = folder / "artifacts" / "examples", folder / "artifacts" / "graph" / folder.name
    for artifact in (examples, graph):
        artifact.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(examples / "data.gz"), "GZIP") as writer:
        writer.write(rows)
    (graph / "saved_model.pb").write_bytes(export)
    (graph / "vocabulary").write_text(word)
    outputs = {"examples": {"type": "Examples", "uri": str(examples), "properties": {}}}
    written = {
        "graph": {"type": "TransformGraph", "uri": str(graph), "properties": {}},
        "model": {"type": "Model", "uri": str(graph), "properties": {}},
    }
    record: dict[str, Any] = {
        "nodes": [
            {"id": "ExampleGen", "seconds": 1.5, "outputs": outputs},
            {"id": "Later", "seconds": 20.26, "outputs": written},
        ],
        "metrics": {"overall": {"auc": auc}},
        "seconds": 30,
    }
    (folder / "summary.json").write_text(json.dumps(record))
    return folder


def test_two_runs_that_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    local = make_run(tmp_path / "a")
    other = make_run(tmp_path / "20260131-235959", rows=example("b", "a"), export=b"another graph's names")
    assert main([f"local={local}", str(other)]) == 0
    digests = read_run("", local).digests
    rows, graph = (digests[name][:10] for name in ("ExampleGen.examples (Examples)", "Later.graph (TransformGraph)"))
    models = [read_run("", run).digests["Later.model (Model)"][:10] for run in (local, other)]
    assert models[0] != models[1]
    assert capsys.readouterr().out.splitlines() == [
        "|  | local | 20260131-235959 | equal |",
        "| --- | --- | --- | --- |",
        f"| ExampleGen.examples (Examples) | {rows} | {rows} | yes |",
        f"| Later.graph (TransformGraph) | {graph} | {graph} | yes |",
        f"| Later.model (Model) | {models[0]} | {models[1]} | not compared |",
        "| auc | 0.5 | 0.5 | yes |",
        "| ExampleGen, s | 1.5 | 1.5 |  |",
        "| Later, s | 20.3 | 20.3 |  |",
        "| whole run, s | 30.0 | 30.0 |  |",
    ]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"rows": example("a", "b", value=2.0)}, "ExampleGen.examples (Examples)"),
        ({"word": "y"}, "Later.graph (TransformGraph)"),
        ({"auc": 0.5000001}, "auc"),
    ],
)
def test_what_must_be_equal_and_is_not(
    change: dict[str, Any], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [make_run(tmp_path / "a"), make_run(tmp_path / "b", **change)]
    assert main([str(run) for run in runs]) == 1
    (shown,) = (one for one in capsys.readouterr().out.splitlines() if one.endswith("| no |"))
    assert shown.startswith(f"| {line} |")
