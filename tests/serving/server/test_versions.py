from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import file_system_storage_path_source_pb2 as source_pb2

from serving.server import versions

Policy = source_pb2.FileSystemStoragePathSourceConfig.ServableVersionPolicy


def test_versions_are_folders_named_by_a_number(tmp_path: Path) -> None:
    for name in ("3", "20261121093000", "7.tmp", "-4", "5a", "v6", "9223372036854775808", " 8", "٣"):
        (tmp_path / name).mkdir()
    (tmp_path / "11").write_text("a file, not a folder")
    assert versions.on_disk(tmp_path) == {3: tmp_path / "3", 20261121093000: tmp_path / "20261121093000"}


def test_of_names_for_the_same_number_one_counts(tmp_path: Path) -> None:
    for name in ("12", "012", "0012"):
        (tmp_path / name).mkdir()
    assert list(versions.on_disk(tmp_path)) == [12]


def test_a_linked_folder_is_a_version(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "1").symlink_to(tmp_path / "elsewhere")
    assert versions.on_disk(tmp_path) == {1: tmp_path / "1"}


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        versions.on_disk(tmp_path / "gone")


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("", {31}),
        ("latest {}", {31}),
        ("latest { num_versions: 2 }", {31, 8}),
        ("latest { num_versions: 9 }", {2, 8, 31}),
        ("all {}", {2, 8, 31}),
        ("specific { versions: 2 versions: 31 }", {2, 31}),
        ("specific { versions: 2 versions: 5 }", {2}),
    ],
)
def test_policies(policy: str, expected: set[int]) -> None:
    assert versions.aspired([8, 2, 31], text_format.Parse(policy, Policy())) == expected
    assert versions.aspired([], text_format.Parse(policy, Policy())) == set()
