"""The driver, run as TFX runs it: span, version and pattern are TFX's, the fingerprint is of the content."""

import os
from pathlib import Path
from typing import Any

import pytest
from tfx.orchestration.portable.data_types import ExecutionInfo
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components.csv_example_gen.component import CheckedExampleGen
from components.csv_example_gen.driver import MEMORY_FILE, Driver
from components.csv_example_gen.executor import column_types
from components.csv_example_gen.file_contents import SourceError
from components.csv_example_gen.fingerprint import fingerprint
from components.csv_example_gen.row_split import KeySplit
from tests.components.csv_example_gen.test_executor import CONTRACT


def drive(folder: Path, pattern: str = "*.csv") -> dict[str, Any]:
    """The properties that go into the cache key."""
    artifact = standard_artifacts.Examples()
    artifact.uri = str(folder.parent / "artifacts" / "ExampleGen" / "examples" / "7")
    splits = [example_gen_pb2.Input.Split(name="all", pattern=pattern)]
    told = {
        "input_base": str(folder),
        "input_config": proto_utils.proto_to_json(example_gen_pb2.Input(splits=splits)),
    }
    result = Driver(None).run(ExecutionInfo(output_dict={"examples": [artifact]}, exec_properties=told))
    return {name: getattr(value, value.WhichOneof("value")) for name, value in result.exec_properties.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "rows"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.csv").write_text(f"x\n{name}\n")
    return folder


def test_equal_content_has_an_equal_key_whatever_its_times(folder: Path, tmp_path: Path) -> None:
    first = drive(folder)
    assert first["input_fingerprint"] == fingerprint("all", [str(folder / "a.csv"), str(folder / "b.csv")])
    os.utime(folder / "a.csv", (1, 1))
    (folder / "b.csv").rename(folder / "c.csv")
    assert drive(folder) == first
    assert (tmp_path / "artifacts" / "ExampleGen" / MEMORY_FILE).is_file()


def test_a_cell_that_changes_under_the_old_times(folder: Path) -> None:
    first, before = drive(folder), (folder / "b.csv").stat()
    (folder / "b.csv").write_text("x\nc\n")
    os.utime(folder / "b.csv", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert drive(folder)["input_fingerprint"] != first["input_fingerprint"]


def test_of_the_newest_span_alone(folder: Path) -> None:
    for span in (1, 2):
        (folder / f"span-{span}").mkdir()
        (folder / f"span-{span}" / "rows.csv").write_text(f"x\n{span}\n")
    first = drive(folder, "span-{SPAN}/*.csv")
    assert (first["span"], '"pattern": "span-2/*.csv"' in first["input_config"]) == (2, True)
    assert first["input_fingerprint"] == fingerprint("all", [str(folder / "span-2" / "rows.csv")])
    (folder / "span-1" / "rows.csv").write_text("x\n3\n")
    assert drive(folder, "span-{SPAN}/*.csv") == first


def test_no_file(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"no file here matches `\*\.txt`"):
        drive(folder, "*.txt")


def test_the_component_records_the_share_as_tfx_does(folder: Path) -> None:
    reader = column_types(CONTRACT, "", KeySplit("company", 0.2))
    component = CheckedExampleGen(folder=str(folder), pattern="*.csv", reader=reader)
    config = example_gen_pb2.Output()
    proto_utils.json_to_proto(component.exec_properties["output_config"], config)
    assert [(split.name, split.hash_buckets) for split in config.split_config.splits] == [("train", 4), ("eval", 1)]
    assert component.driver_class is Driver
