"""Runs by different orchestrators side by side: what must be equal, and what is only shown."""

import json
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from benchmarks.orchestrators import digest_content, main, read_run


def feature(name: str, value: float) -> bytes:
    """A part of a row: the concatenation of some is a row, with its features in that order."""
    of_one = tf.train.Example()
    of_one.features.feature[name].float_list.value.append(value)
    return of_one.SerializeToString()


def write_rows(file: Path, *rows: bytes) -> None:
    with tf.io.TFRecordWriter(str(file), "GZIP") as writer:
        for row in rows:
            writer.write(row)


FARE, MILES = feature("fare", 7.5), feature("miles", 1.5)


def make_run(folder: Path, *, number: int, row: bytes = FARE + MILES, auc: float = 0.5, model: bytes = b"m") -> Path:
    """A run's folder with two artifacts, elsewhere than another run's."""
    examples, trained = folder / "artifacts" / "examples" / "7", folder / "artifacts" / "model" / str(number)
    for artifact in (examples, trained):
        artifact.mkdir(parents=True)
    write_rows(examples / "data.gz", row, row)
    (trained / "weights").write_bytes(model)
    outputs = {"examples": {"type": "Examples", "uri": str(examples), "properties": {}}}
    written = {"model": {"type": "Model", "uri": str(trained), "properties": {}}}
    record: dict[str, Any] = {
        "nodes": [
            {"id": "ExampleGen", "seconds": 1.5, "outputs": outputs},
            {"id": "Trainer", "seconds": 20.25, "outputs": written},
        ],
        "metrics": {"overall": {"auc": auc}},
        "seconds": 30,
    }
    (folder / "summary.json").write_text(json.dumps(record))
    return folder


def test_two_runs_that_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    local = make_run(tmp_path / "a", number=1)
    other = make_run(tmp_path / "20260131-235959", number=2, row=MILES + FARE, model=b"another last bit")
    assert main([f"local={local}", str(other)]) == 0
    digest = read_run("", local).digests["ExampleGen.examples (Examples)"][:10]
    models = [read_run("", run).digests["Trainer.model (Model)"][:10] for run in (local, other)]
    assert models[0] != models[1]
    assert capsys.readouterr().out.splitlines() == [
        "|  | local | 20260131-235959 | equal |",
        "| --- | --- | --- | --- |",
        f"| ExampleGen.examples (Examples) | {digest} | {digest} | yes |",
        f"| Trainer.model (Model) | {models[0]} | {models[1]} | not compared |",
        "| auc | 0.5 | 0.5 | yes |",
        "| ExampleGen, s | 1.5 | 1.5 |  |",
        "| Trainer, s | 20.25 | 20.25 |  |",
        "| whole run, s | 30 | 30 |  |",
    ]


@pytest.mark.parametrize(
    ("change", "line"),
    [({"row": FARE}, "ExampleGen.examples (Examples)"), ({"auc": 0.5000001}, "auc")],
)
def test_what_must_be_equal_and_is_not(
    change: dict[str, Any], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [make_run(tmp_path / "a", number=1), make_run(tmp_path / "b", number=1, **change)]
    assert main([str(run) for run in runs]) == 1
    (shown,) = (one for one in capsys.readouterr().out.splitlines() if one.endswith("| no |"))
    assert shown.startswith(f"| {line} |")


def test_a_graph_s_ids_count_for_nothing_and_its_vocabularies_do(tmp_path: Path) -> None:
    graph, other = tmp_path / "1" / "transform_fn", tmp_path / "2" / "transform_fn"
    for folder in (graph, other):
        (folder / "assets").mkdir(parents=True)
        (folder / "assets" / "payment_type").write_text("Cash\n")
        for name in ("saved_model.pb", "fingerprint.pb"):
            (folder / name).write_text(f"ids of {folder}")
    assert digest_content(tmp_path / "1") == digest_content(tmp_path / "2")
    (other / "assets" / "payment_type").write_text("Card\n")
    assert digest_content(tmp_path / "1") != digest_content(tmp_path / "2")
