"""What `data-pin` and `data-restore` say before DVC is called, and what they call it with."""

import json
from pathlib import Path

import pytest

from pipelines.cli.app import execute
from pipelines.data_versions.dvc import Dvc
from pipelines.data_versions.errors import DataVersionError
from pipelines.data_versions.pinned_files import digest_of, find_pinned, remove_data

ONE = "split:single_split,num_files:1,total_bytes:5,blake2b:abc"
TWO = "split:single_split,num_files:2,total_bytes:5,blake2b:def"


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def write_record(var: Path, **changes: object) -> None:
    """The record of a run of the taxi task, with the fields that are read."""
    record = {
        "format": 2, "run_id": "20260101-000000", "task": "taxi", "status": "pushed", "started": "", "pushed": None,
        "nodes": [], "spans": [], "data_fingerprint": ONE,
    }  # fmt: skip
    folder = var / "runs" / "20260101-000000"
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps(record | changes))


def restore(base: Path, *options: str) -> int:
    common = ["--task", "taxi", "--var", str(base / "var"), "--versions", str(base / "versions")]
    return execute(["data-restore", *common, "--run", "20260101-000000", *options])


def test_a_file_is_found_by_the_digest_in_the_record(tmp_path: Path) -> None:
    touch(tmp_path / "taxi" / "abc" / "trips.csv.dvc")
    found = find_pinned(tmp_path, "taxi", ONE)
    assert found is not None
    assert (found.path, found.is_folder) == (tmp_path / "taxi" / "abc" / "trips.csv", False)
    assert find_pinned(tmp_path, "other", ONE) is None


def test_a_folder_counts_when_all_of_its_files_do(tmp_path: Path) -> None:
    """A pin that was killed leaves some of them."""
    folder = tmp_path / "taxi" / "def" / "2014Q1"
    touch(folder / "a.csv.dvc")
    assert find_pinned(tmp_path, "taxi", TWO) is None
    touch(folder / "b.csv.dvc")
    found = find_pinned(tmp_path, "taxi", TWO)
    assert found is not None
    assert ([path.name for path in found.pointers], found.is_folder) == (["a.csv.dvc", "b.csv.dvc"], True)


def test_data_that_a_killed_pin_left_are_not_taken_for_pinned(tmp_path: Path) -> None:
    touch(tmp_path / "taxi" / "abc" / "trips.csv")
    assert find_pinned(tmp_path, "taxi", ONE) is None


def test_only_data_are_removed(tmp_path: Path) -> None:
    touch(tmp_path / "taxi" / "abc" / "trips.csv", tmp_path / "taxi" / "abc" / "trips.csv.dvc")
    remove_data(tmp_path / "taxi")
    assert [path.name for path in (tmp_path / "taxi" / "abc").iterdir()] == ["trips.csv.dvc"]


def test_a_fingerprint_of_sizes_and_times_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataVersionError, match="expected one with blake2b:, received one of sizes and times"):
        digest_of("split:single_split,num_files:1,total_bytes:5,xor_checksum:1,sum_checksum:1")


def test_a_remote_is_named_once(tmp_path: Path) -> None:
    with pytest.raises(DataVersionError, match="names no remote"):
        Dvc(tmp_path / "versions", "dvc").require_remote(None)
    Dvc(tmp_path / "versions", "dvc").prepare("/remote")
    Dvc(tmp_path / "versions", "dvc").require_remote(None)


def test_what_a_person_set_stays_where_the_remote_is_named_again(tmp_path: Path) -> None:
    dvc = Dvc(tmp_path, "dvc")
    dvc.prepare("s3://bucket/one")
    config = tmp_path / ".dvc" / "config"
    config.write_text(config.read_text() + "endpointurl = https://store\n")
    dvc.prepare("s3://bucket/two")
    assert config.read_text().split("\n\n")[-2:] == [
        "['remote \"storage\"']\nurl = s3://bucket/two\nendpointurl = https://store", ""
    ]  # fmt: skip


def test_without_dvc_the_error_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(DataVersionError, match=r"`python -m environment\.dvc` installs it"):
        Dvc(tmp_path, "no-such-dvc").add([tmp_path / "a.csv"])


def test_what_dvc_says_of_a_failure_is_told(tmp_path: Path) -> None:
    command = tmp_path / "dvc"
    command.write_text("#!/bin/sh\necho ERROR: the bucket is gone >&2\nexit 255\n")
    command.chmod(0o755)
    with pytest.raises(DataVersionError, match="expected status 0, received 255; it said: ERROR: the bucket is gone"):
        Dvc(tmp_path, str(command)).push(tmp_path / "taxi")


@pytest.mark.parametrize(
    ("state", "fails"), [(None, False), ("deleted", False), ("missing", True), ("new", True), ("modified", True)]
)
def test_a_push_is_believed_when_the_remote_has_every_file(tmp_path: Path, state: str | None, fails: bool) -> None:
    """Deleted is DVC's word for what the remote has and the cache has not."""
    said = json.dumps({"taxi/abc/trips.csv": state} if state else {})
    command = tmp_path / "dvc"
    command.write_text(f"#!/bin/sh\n[ $1 = status ] && echo '{said}'\nexit 0\n")
    command.chmod(0o755)
    dvc = Dvc(tmp_path, str(command))
    if fails:
        with pytest.raises(DataVersionError, match=r"the remote lacks taxi/abc/trips\.csv: expected every pinned file"):
            dvc.push(tmp_path / "taxi")
    else:
        dvc.push(tmp_path / "taxi")


def test_a_run_whose_data_nobody_pinned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_record(tmp_path / "var")
    assert restore(tmp_path) == 1
    assert "expected the folder that `make data-pin` made and you committed" in capsys.readouterr().err
    Dvc(tmp_path / "versions", "dvc").prepare("/remote")
    assert restore(tmp_path) == 1
    assert f"received none of the data ({ONE})" in capsys.readouterr().err


def test_a_folder_that_is_there_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_record(tmp_path / "var")
    Dvc(tmp_path / "versions", "dvc").prepare("/remote")
    assert restore(tmp_path, "--out", str(tmp_path)) == 1
    assert f"{tmp_path}: expected a folder that is not there yet" in capsys.readouterr().err


def test_a_run_that_read_nothing_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_record(tmp_path / "var", data_fingerprint="")
    assert restore(tmp_path) == 1
    assert "expected a record of what it was trained on, received none" in capsys.readouterr().err
