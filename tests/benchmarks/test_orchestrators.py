"""Runs by different orchestrators side by side: what must be equal, and what is only shown."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.orchestrators import main, read_run


def make_run(folder: Path, *, mtime: int, rows: bytes = b"rows", auc: float = 0.5, model: bytes = b"m") -> Path:
    """A run's folder with two artifacts, elsewhere than another run's."""
    examples, trained = folder / "artifacts" / "examples" / "7", folder / "artifacts" / "model" / str(mtime)
    for artifact in (examples, trained):
        artifact.mkdir(parents=True)
    (examples / "data.gz").write_bytes(gzip.compress(rows, mtime=mtime))
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
    local = make_run(tmp_path / "a", mtime=1)
    other = make_run(tmp_path / "20260131-235959", mtime=2, model=b"another graph's ids")
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
    [({"rows": b"other"}, "ExampleGen.examples (Examples)"), ({"auc": 0.5000001}, "auc")],
)
def test_what_must_be_equal_and_is_not(
    change: dict[str, Any], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [make_run(tmp_path / "a", mtime=1), make_run(tmp_path / "b", mtime=1, **change)]
    assert main([str(run) for run in runs]) == 1
    (shown,) = (one for one in capsys.readouterr().out.splitlines() if one.endswith("| no |"))
    assert shown.startswith(f"| {line} |")
