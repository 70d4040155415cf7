"""The operations that TFX's fileio lacks, on this machine's disk and on a file system that is none."""

import ast
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from tfx.dsl.io import fileio
from tfx.types import standard_artifacts
from tfx.utils import io_utils

from components import artifact_files


@pytest.fixture(params=["disk", "ram"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, ram: str) -> str:
    """An empty folder's URI."""
    if request.param == "ram":
        return ram
    (tmp_path / "artifact").mkdir()
    return str(tmp_path / "artifact")


def test_a_text_is_written_whole_and_replaced(folder: str) -> None:
    path = f"{folder}/new/report.txt"
    artifact_files.write_text(path, "früher\r\n")
    artifact_files.write_text(path, "später\r\n")
    assert artifact_files.read_text(path) == "später\r\n"
    assert artifact_files.list_files(f"{folder}/new") == [path]  # nothing beside it


def test_what_cannot_be_json_leaves_the_old_document(folder: str) -> None:
    artifact_files.write_json(f"{folder}/report.json", {"value": 1.5})
    with pytest.raises(ValueError, match="not JSON compliant"):
        artifact_files.write_json(f"{folder}/report.json", {"value": math.nan})
    assert artifact_files.read_text(f"{folder}/report.json") == '{\n  "value": 1.5\n}\n'


def test_files_are_listed_in_the_order_of_their_names(folder: str) -> None:
    for name in ("b.gz", "a.gz", ".hidden.gz", "c.json", "deeper/d.gz"):
        artifact_files.write_text(f"{folder}/{name}", "")
    assert artifact_files.list_files(folder) == [f"{folder}/{name}" for name in ("a.gz", "b.gz", "c.json")]
    assert artifact_files.list_files(folder, ".json") == [f"{folder}/c.json"]
    assert artifact_files.list_files(f"{folder}/none") == []


def test_the_files_of_a_split(folder: str) -> None:
    examples = standard_artifacts.Examples()
    examples.uri, examples.split_names = folder, '["train", "eval"]'
    artifact_files.write_text(f"{folder}/Split-train/data.gz", "")
    assert artifact_files.list_split_files(examples, "train") == [f"{folder}/Split-train/data.gz"]
    with pytest.raises(ValueError, match=rf"no Examples of split 'eval' in {folder}: expected \*\.gz files, received"):
        artifact_files.list_split_files(examples, "eval")


def test_what_is_on_this_machine_is_not_copied(tmp_path: Path) -> None:
    with artifact_files.local_copy(str(tmp_path)) as copy:
        assert copy == tmp_path
    with artifact_files.local_folder(str(tmp_path / "new")) as folder:
        assert folder == tmp_path / "new"
        assert folder.is_dir()


def test_a_copy_lives_as_long_as_its_block(ram: str) -> None:
    for name in ("one.txt", "deeper/two.txt"):
        artifact_files.write_text(f"{ram}/model/{name}", name)
    with artifact_files.local_copy(f"{ram}/model") as copy:
        assert (copy.name, (copy / "deeper" / "two.txt").read_text()) == ("model", "deeper/two.txt")
    assert not copy.exists()
    with artifact_files.local_copies([f"{ram}/model/one.txt", f"{ram}/model/deeper/two.txt"]) as copies:
        assert [copy.read_text() for copy in copies] == ["one.txt", "deeper/two.txt"]


def test_what_a_block_writes_goes_to_its_artifact(ram: str) -> None:
    artifact_files.write_text(f"{ram}/run/history.json", "{}")
    with artifact_files.local_folder(f"{ram}/run") as folder:
        (folder / "deeper").mkdir()
        (folder / "deeper" / "weights").write_bytes(b"\0\1")
    assert not folder.exists()
    assert io_utils.read_bytes_file(f"{ram}/run/deeper/weights") == b"\0\1"
    assert artifact_files.read_text(f"{ram}/run/history.json") == "{}"  # what was there stays


def test_a_block_that_fails_writes_nothing(ram: str) -> None:
    def fail() -> None:
        with artifact_files.local_folder(f"{ram}/run") as folder:
            (folder / "half").touch()
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert not fileio.exists(f"{ram}/run")


def test_what_is_not_there_is_named(ram: str) -> None:
    with pytest.raises(FileNotFoundError, match=rf"{ram}/none: no such file. Expected what an earlier node wrote"):
        artifact_files.read_text(f"{ram}/none")

    def copy() -> None:
        with artifact_files.local_copy(f"{ram}/none"):
            pass

    with pytest.raises(FileNotFoundError, match=rf"{ram}/none: no such file or folder. Expected one that an earlier "):
        copy()


PROJECT = Path(__file__).resolve().parents[2]
# What runs inside a component, whole packages and single rooms.
ROOMS = ("components", "pipelines/comparison", "pipelines/fairness", "pipelines/modeling", "pipelines/search")
# What gives a URI: attributes of artifacts and of FnArgs, and TFX's functions.
URIS = {
    "uri", "model_run_dir", "serving_model_dir", "working_dir", "transform_output", "base_model",
    "get_split_uri", "get_single_uri", "serving_model_path",
}  # fmt: skip
OPENERS = {"Path", "open", "glob", "read_bytes", "read_text", "makedirs", "mkdir", "remove", "rmtree", "copyfile"}
LOCAL = {"components/csv_example_gen/driver.py"}  # where it is one of this machine


def find_paths_of_uris(source: str) -> Iterator[int]:
    """Yields the lines in which a URI is made a path, or is opened by Python itself."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        function = call.func
        own = isinstance(function, ast.Name) or (
            isinstance(function, ast.Attribute)
            and isinstance(function.value, ast.Name)
            and function.value.id in ("os", "shutil", "glob", "pathlib")
        )
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        inside = {getattr(node, "attr", "") for argument in call.args for node in ast.walk(argument)}
        if own and name in OPENERS and inside & URIS:
            yield call.lineno


def test_a_path_made_of_a_uri_is_found() -> None:
    source = "a = Path(x.uri) / 'b'\nos.makedirs(os.path.join(x.uri, 'c'))\nfileio.open(x.uri)\nPath(y)\nopen(x.uri)"
    assert sorted(find_paths_of_uris(source)) == [1, 2, 5]


def test_no_component_makes_a_path_of_a_uri() -> None:
    files = [file for room in ROOMS for file in sorted((PROJECT / room).rglob("*.py"))]
    assert len(files) > 100
    found = {str(file.relative_to(PROJECT)) for file in files if any(find_paths_of_uris(file.read_text()))}
    assert found == LOCAL
