"""Lineage both ways, over a history with every case in it."""

import dataclasses
import json
import os
from pathlib import Path

import pytest

from components.csv_example_gen.fingerprint import fingerprint
from pipelines.runs import RunError
from pipelines.runs.data_source import DataSource
from pipelines.runs.lineage import Lineage, find_models_trained_on, find_pushing_run, trace_lineage
from pipelines.runs.metadata import Metadata
from tests.pipelines.runs.made_history import MadeHistory

DIGEST = json.dumps({"code_digest": "aa00", "settings": {"train_steps": 300, "warm_start": False}})
INPUT_CONFIG = json.dumps({"splits": [{"name": "single_split", "pattern": "*.csv"}]})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for name, text in (("a.csv", "x\n1\n"), ("b.csv", "x\n22\n")):
        (folder / name).write_text(text)
        os.utime(folder / name, (1_000_000_007.9, 1_000_000_007.9 if name == "a.csv" else 1_000_000_013))
    return folder


@pytest.fixture
def metadata(tmp_path: Path, data: Path) -> Metadata:
    """Five runs.

    1: cold, pushed. 2: all from the cache. 3: other data, starts from the weights of 1, compared with it, pushed.
    4: of the first data, refused, compared with 3. 5: another task, whose version is called as that of 1.
    """
    made = MadeHistory(tmp_path)
    examples = _read(made, "1", data, fingerprint="size 9", rows=(8, 4))
    contract, *_ = made.ran("1", "ImportSchemaGen", {"schema": "Schema"}, told={"schema_file": "/c/abc.pbtxt"})
    (transformed,) = made.ran(
        "1",
        "Transform",
        {"transformed_examples": "Examples"},
        inputs={"examples": examples, "schema": contract},
        told={"preprocessing_fn": "pipelines.tasks.taxi.preprocessing.preprocessing_fn"},
    )
    (model,) = _train(made, "1", transformed)
    _judge_and_push(made, "1", examples, model, version="100")

    made.ran("2", "ExampleGen", reused={"examples": examples}, state="CACHED")
    made.ran("2", "Trainer", inputs={"examples": transformed}, reused={"model": model}, state="CACHED")
    made.ran("2", "BlessedModelResolver")

    others = _read(made, "3", data.with_name("other"), fingerprint="size 5", rows=(2, 1), span=7)
    made.ran("3", "WarmStartResolver", resolved={"model": model})
    (warm,) = _train(made, "3", others, base_model=model)
    made.ran("3", "BlessedModelResolver", resolved={"model": model})
    _judge_and_push(made, "3", others, warm, version="101", baseline=model)

    made.ran("4", "ExampleGen", reused={"examples": examples}, state="CACHED")
    (refused,) = _train(made, "4", transformed)
    _judge_and_push(made, "4", examples, refused, version=None, baseline=warm)
    made.ran("4", "Tuner", state="FAILED")

    patients = _read(made, "5", data.with_name("patients"), fingerprint="size 3", rows=(3, 3), task="diabetes")
    (other_model,) = _train(made, "5", patients, task="diabetes")
    _judge_and_push(made, "5", patients, other_model, version="100", task="diabetes")
    return Metadata(made.database)


def _read(
    made: MadeHistory,
    run: str,
    folder: Path,
    *,
    fingerprint: str,
    rows: tuple[int, int],
    span: int = 0,
    task: str = "taxi",
) -> int:
    properties = {"input_fingerprint": fingerprint, "span": span, "rows_train": rows[0], "rows_eval": rows[1]}
    told = {"input_base": str(folder), "input_config": INPUT_CONFIG}
    (examples,) = made.ran(run, "ExampleGen", {"examples": "Examples"}, told=told, properties=properties, task=task)
    return examples


def _train(made: MadeHistory, run: str, examples: int, base_model: int | None = None, task: str = "taxi") -> list[int]:
    inputs = {"examples": examples} | ({"base_model": base_model} if base_model else {})
    return made.ran(run, "Trainer", {"model": "Model"}, inputs=inputs, told={"custom_config": DIGEST}, task=task)


def _judge_and_push(
    made: MadeHistory,
    run: str,
    examples: int,
    model: int,
    *,
    version: str | None,
    baseline: int | None = None,
    task: str = "taxi",
) -> None:
    inputs = {"examples": examples, "model": model} | ({"baseline_model": baseline} if baseline else {})
    (blessing,) = made.ran(run, "Evaluator", {"blessing": "ModelBlessing"}, inputs=inputs, task=task)
    properties = {"pushed": 1, "pushed_version": version} if version else {"pushed": 0}
    pushed = {"model": model, "model_blessing": blessing}
    made.ran(run, "Pusher", {"pushed_model": "PushedModel"}, inputs=pushed, properties=properties, task=task)


def test_from_a_version_back_to_data_code_and_parameters(metadata: Metadata, data: Path) -> None:
    found = trace_lineage(metadata, find_pushing_run(metadata, "101"))
    assert (found.run_id, found.task, found.versions, found.trained_by) == ("3", "taxi", ("101",), "3")
    assert found.data is not None
    assert (found.data.folder, found.data.fingerprint, found.data.span) == (str(data.with_name("other")), "size 5", 7)
    assert dict(found.data.rows) == {"train": 2, "eval": 1}
    assert found.code == {"Trainer": "aa00"}
    assert found.parameters["Trainer.custom_config.settings.train_steps"] == 300
    assert not any("input_base" in name or "digest" in name for name in found.parameters)
    assert _trainer_of(metadata, found.started_from) == _trainer_of(metadata, found.baseline) == "1"


def _trainer_of(metadata: Metadata, model: object) -> str:
    maker = metadata.find_producer(model.id)
    assert maker is not None
    return maker.run_id


def test_what_came_from_the_cache_is_traced_to_the_run_that_made_it(metadata: Metadata) -> None:
    found = trace_lineage(metadata, "2")
    assert (found.trained_by, found.versions) == ("1", ("100",))
    assert {step.node: step.run_id for step in found.steps} == {
        "ExampleGen": "1",
        "Trainer": "1",
        "BlessedModelResolver": "2",
    }
    assert found.data is not None
    assert found.data.fingerprint == "size 9"


def test_the_contract_by_its_digest(metadata: Metadata) -> None:
    assert trace_lineage(metadata, "1").contract == "abc"
    assert trace_lineage(metadata, "3").contract == ""


def test_edges_name_the_resolver_that_found_an_earlier_model(metadata: Metadata) -> None:
    edges = {
        (edge.source, edge.target, edge.artifact.type, edge.from_run) for edge in trace_lineage(metadata, "3").edges
    }
    assert edges == {
        ("ExampleGen", "Trainer", "Examples", "3"),
        ("ExampleGen", "Evaluator", "Examples", "3"),
        ("WarmStartResolver", "Trainer", "Model", "1"),
        ("BlessedModelResolver", "Evaluator", "Model", "1"),
        ("Trainer", "Evaluator", "Model", "3"),
        ("Trainer", "Pusher", "Model", "3"),
        ("Evaluator", "Pusher", "ModelBlessing", "3"),
    }


def test_from_data_forward_to_every_model_that_it_fed(metadata: Metadata, data: Path) -> None:
    found = find_models_trained_on(metadata, data)
    assert found[["run", "pushed", "span", "rows"]].values.tolist() == [
        ["1", True, 0, 12],
        ["3", True, 0, 12],  # by way of the weights that it started from
        ["4", False, 0, 12],
    ]
    assert found["versions"].tolist() == [["100"], ["101"], []]
    assert found["task"].unique().tolist() == ["taxi"]


def test_a_model_is_not_fed_by_the_data_of_the_one_it_was_compared_with(metadata: Metadata, data: Path) -> None:
    assert find_models_trained_on(metadata, data.with_name("other"))["run"].tolist() == ["3"]  # 4 was compared with 3


def test_data_by_file_fingerprint_and_span(metadata: Metadata, data: Path) -> None:
    by_folder = find_models_trained_on(metadata, data)
    for name in (data / "a.csv", str(data) + "/", "size 9"):
        assert find_models_trained_on(metadata, name).equals(by_folder)
    assert find_models_trained_on(metadata, span=7)["run"].tolist() == ["3"]
    assert find_models_trained_on(metadata, task="diabetes")["run"].tolist() == ["5"]
    assert find_models_trained_on(metadata)["run"].tolist() == ["1", "3", "4", "3", "5"]


@pytest.mark.parametrize(
    ("what", "named"),
    [({"data": "a.csv"}, "a.csv"), ({"data": "/nowhere"}, "/nowhere"), ({"span": 3}, "data of span 3")],
)
def test_data_that_no_run_read(metadata: Metadata, what: dict[str, object], named: str) -> None:
    read = r"\S+/data \(span 0\), \S+/other \(span 7\), \S+/patients \(span 0\)"
    with pytest.raises(RunError, match=rf"^no run read {named}: what was read: {read}$"):
        find_models_trained_on(metadata, **what)


def test_a_version_of_two_tasks_needs_the_task(metadata: Metadata) -> None:
    assert find_pushing_run(metadata, "100", "diabetes") == "5"
    assert find_pushing_run(metadata, "100", "taxi") == "1"
    with pytest.raises(RunError, match=r"^version 100 was pushed for taxi, diabetes: expected one task; name it\.$"):
        find_pushing_run(metadata, "100")


def test_a_version_that_nobody_pushed(metadata: Metadata) -> None:
    with pytest.raises(RunError, match=r"^no run pushed version 111: did you mean 101\?$"):
        find_pushing_run(metadata, "111")


def test_a_run_that_ml_metadata_does_not_know(metadata: Metadata) -> None:
    with pytest.raises(RunError, match=r"^run 9 has no lineage: "):
        trace_lineage(metadata, "9")


def test_files_are_compared_with_the_fingerprint(tmp_path: Path, data: Path) -> None:
    made = MadeHistory(tmp_path)
    fingerprint = "split:single_split,num_files:2,total_bytes:9,xor_checksum:10,sum_checksum:2000000020"
    _read(made, "1", data, fingerprint=fingerprint, rows=(1, 1))
    found: Lineage = trace_lineage(Metadata(made.database), "1")
    assert found.data is not None
    assert found.data.files == [str(data / "a.csv"), str(data / "b.csv")]
    assert found.data.unchanged
    os.utime(data / "a.csv", (1_000_000_008, 1_000_000_008))
    assert not found.data.unchanged


def test_files_are_compared_by_what_they_hold(tmp_path: Path, data: Path) -> None:
    made, files = MadeHistory(tmp_path), [str(data / name) for name in ("a.csv", "b.csv")]
    _read(made, "1", data, fingerprint=fingerprint("single_split", files), rows=(1, 1))
    found = trace_lineage(Metadata(made.database), "1").data
    assert found is not None
    os.utime(data / "a.csv", (1_000_000_008, 1_000_000_008))
    assert found.unchanged
    before = (data / "a.csv").stat()
    content = (data / "a.csv").read_bytes()
    (data / "a.csv").write_bytes(content[:-1] + b"?")
    os.utime(data / "a.csv", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not found.unchanged
    for name in files:
        Path(name).unlink()
    assert (found.files, found.unchanged) == ([], False)


def test_a_folder_that_holds_a_file_and_its_packed_copy(tmp_path: Path, data: Path) -> None:
    """Nobody can read it any more, and nothing is gone."""
    found = _data_source(tmp_path, data, "*")
    (data / "a.csv.gz").write_bytes(b"x")
    (data / "notes.txt").write_text("x")
    assert found.files == [str(data / name) for name in ("a.csv", "a.csv.gz", "b.csv")]
    assert not found.unchanged


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*", "a.csv", True),
        ("*", "was.here.PARQUET", True),
        ("*", "notes.txt", False),
        ("*", ".a.csv", False),
        ("*.txt", "notes.txt", True),
        ("a.csv", "b.csv", False),
    ],
)
def test_a_file_that_was_read_from_the_folder(
    tmp_path: Path, data: Path, pattern: str, name: str, matches: bool
) -> None:
    assert _data_source(tmp_path, data, pattern).matches(data / name) is matches


def _data_source(tmp_path: Path, data: Path, pattern: str) -> DataSource:
    made = MadeHistory(tmp_path)
    _read(made, "1", data, fingerprint=fingerprint("single_split", [str(data / "a.csv")]), rows=(1, 1))
    found = trace_lineage(Metadata(made.database), "1").data
    assert found is not None
    return dataclasses.replace(found, patterns={"single_split": pattern})


def test_no_database(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"^no ML Metadata at .+/metadata\.sqlite: expected the database that "):
        Metadata(tmp_path / "metadata.sqlite")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "metadata.sqlite").write_text("no database" * 1000)
    with pytest.raises(RunError, match=r"^the ML Metadata at .+ cannot be read: "):
        Metadata(tmp_path / "metadata.sqlite")
