"""A push to an object store, which TensorFlow's ram:// stands for: its files are there one by one, the model last."""

import os
from pathlib import Path

import pytest
from tfx.dsl.io import fileio
from tfx.utils import io_utils

from components.pusher import remote_versions
from components.pusher.remote_versions import push_to_store
from tests.components.pusher.pushed_models import make_model


@pytest.fixture
def store(request: pytest.FixtureRequest) -> str:
    return f"ram://{request.node.name}/taxi"


def model(folder: Path, content: bytes = b"graph") -> Path:
    make_model(folder)
    (folder / "saved_model.pb").write_bytes(content)
    return folder


def names(uri: str) -> set[str]:
    return {os.path.relpath(os.path.join(folder, file), uri) for folder, _, files in fileio.walk(uri) for file in files}


def test_a_version_holds_every_file_and_the_next_one_has_a_later_number(tmp_path: Path, store: str) -> None:
    first = push_to_store(model(tmp_path / "a"), store)
    assert names(first) == {
        path.relative_to(tmp_path / "a").as_posix() for path in (tmp_path / "a").rglob("*") if path.is_file()
    }
    assert io_utils.read_bytes_file(f"{first}/saved_model.pb") == b"graph"
    second = push_to_store(model(tmp_path / "b", b"another"), store)
    assert first.startswith(f"{store}/")
    assert int(os.path.basename(second)) > int(os.path.basename(first))


def test_a_model_that_is_the_newest_version_is_not_pushed_again(tmp_path: Path, store: str) -> None:
    first = push_to_store(model(tmp_path / "a"), store)
    assert push_to_store(tmp_path / "a", store) == first
    (tmp_path / "a" / "more").write_text("a file more")
    assert push_to_store(tmp_path / "a", store) != first


def test_a_push_that_is_cut_off_leaves_no_version(tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []

    def cut_off(source: str, target: str, overwrite: bool) -> None:
        if source.endswith("saved_model.pb"):
            raise OSError("cut off")
        copied.append(target)
        io_utils.write_bytes_file(target, Path(source).read_bytes())

    with monkeypatch.context() as patch:
        patch.setattr(remote_versions.fileio, "copy", cut_off)
        with pytest.raises(OSError, match="cut off"):
            push_to_store(model(tmp_path / "a"), store)
    half = copied[0].removeprefix(f"{store}/").partition("/")[0]
    assert not fileio.exists(f"{store}/{half}/saved_model.pb")
    assert int(os.path.basename(push_to_store(tmp_path / "a", store))) > int(half)


def test_a_folder_without_a_model_is_refused(tmp_path: Path, store: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"saved_model.pb: no such file. Expected a SavedModel to push"):
        push_to_store(tmp_path, store)
    assert not fileio.exists(store)
