"""A version is complete or absent, whatever happens."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.pusher.versions import PushError, list_versions, push
from serving.signing.errors import RefusedVersionError, SigningError
from serving.signing.verification import SIGNATURE, verify
from tests.components.pusher.pushed_models import FILES, make_model, read_files
from tests.serving.signing.signed_models import TEXTS, Key, graph, node, write


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_model(tmp_path / "model")


def test_push_to_a_folder_that_is_not_there_yet(model: Path, base: Path) -> None:
    before = int(time.time())
    version = push(model, base)
    assert version.parent == base
    assert before <= int(version.name) <= time.time()
    assert read_files(version) == FILES
    assert list(base.iterdir()) == [version]


@pytest.mark.parametrize("newest", [1, 10**10], ids=["past", "future"])
def test_a_new_version_is_later_than_the_newest(model: Path, base: Path, newest: int) -> None:
    make_model(base / str(newest), **{"saved_model.pb": "another graph"})
    pushed = int(push(model, base).name)
    assert pushed > newest
    assert sorted(list_versions(base)) == [newest, pushed]
    assert read_files(base / str(newest))["saved_model.pb"] == "another graph", "what was there is untouched"


def test_the_same_model_is_not_pushed_twice(model: Path, base: Path) -> None:
    first = push(model, base)
    assert push(model, base) == first
    assert list_versions(base) == [int(first.name)]


@pytest.mark.parametrize(
    "change", [{"saved_model.pb": "grapg"}, {"assets/vocabulary": ""}], ids=["same size", "one more file"]
)
def test_another_model_is_pushed(model: Path, base: Path, tmp_path: Path, change: dict[str, str]) -> None:
    first = push(model, base)
    second = push(make_model(tmp_path / "other", **change), base)
    assert sorted(list_versions(base)) == [int(first.name), int(second.name)]
    assert push(model, base) not in (first, second), "an older version does not count"


def test_half_copies_are_cleared_and_nothing_else(model: Path, base: Path) -> None:
    make_model(base / "1700000000.tmp")
    make_model(base / "notes.tmp")
    (base / "1700000001.tmp").write_text("a file")
    version = push(model, base)
    assert sorted(path.name for path in base.iterdir()) == ["1700000001.tmp", version.name, "notes.tmp"]


def test_what_is_no_version(base: Path) -> None:
    make_model(base / "latest")
    make_model(base / "12.tmp")
    (base / "13").write_text("a file")
    (base / "²").mkdir()
    assert list_versions(base) == []


@pytest.fixture
def small_files_only() -> Iterator[None]:
    """The system refuses to write beyond one MiB, as it would on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_that_the_system_refuses(model: Path, base: Path, request: pytest.FixtureRequest) -> None:
    first = push(model, base)
    (model / "variables" / "variables.data").write_bytes(bytes(2**21))
    request.getfixturevalue("small_files_only")
    with pytest.raises(PushError) as error:
        push(model, base)
    assert str(error.value).startswith(f"the model was not pushed to {base}: [Errno 27] File too large: ")
    assert str(error.value).endswith(
        "; earlier versions are unchanged; free space or make the folder writable, and run again."
    )
    assert list(base.iterdir()) == [first]
    assert read_files(first) == FILES


def test_a_model_file_that_cannot_be_read(model: Path, base: Path) -> None:
    (model / "variables" / "variables.gone").symlink_to(model / "nowhere")
    with pytest.raises(PushError, match=r"the model was not pushed to .*variables\.gone"):
        push(model, base)
    assert list(base.iterdir()) == []


def test_a_destination_that_is_no_folder(model: Path, base: Path) -> None:
    base.parent.mkdir()
    base.write_text("a file")
    with pytest.raises(PushError, match=r"the model was not pushed to .*File exists"):
        push(model, base)
    assert base.read_text() == "a file"


def test_a_version_appears_with_its_signature(tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, seen = Key(), []

    def rename(half: Path, version: Path) -> Path:
        seen.append(verify(half, model="taxi", number=int(version.name), keys=key.trusted))
        return renamed(half, version)

    renamed = Path.rename
    monkeypatch.setattr(Path, "rename", rename)
    version = push(write(tmp_path / "model"), base, key.signs())
    (found,) = seen
    assert (found.key_id, str(found.manifest.version), found.manifest.run_id) == (
        key.id,
        version.name,
        "20260101-000000",
    )
    assert sorted(found.manifest.files) == sorted([*TEXTS, "saved_model.pb"])


def test_what_is_written_into_a_half_copy_is_not_signed(
    tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can write the folder of versions waits for a push, and changes the copy before it is signed."""
    key = Key()

    def copy(source: Path, target: Path) -> Path:
        copied(source, target)
        if target.name == "saved_model.pb":
            target.write_bytes(target.read_bytes() + b"\x0a\x00")
        return target

    copied = shutil.copyfile
    monkeypatch.setattr(shutil, "copyfile", copy)
    version = push(write(tmp_path / "model"), base, key.signs())
    with pytest.raises(RefusedVersionError, match=r"'saved_model\.pb' was altered"):
        verify(version, model="taxi", number=int(version.name), keys=key.trusted)


def test_the_same_model_is_pushed_again_for_a_signature(tmp_path: Path, base: Path) -> None:
    model, first, second = write(tmp_path / "model"), Key(), Key()
    unsigned = push(model, base)
    signed = push(model, base, first.signs())
    assert signed != unsigned
    assert push(model, base, first.signs()) == push(model, base) == signed
    other = push(model, base, second.signs())
    assert other != signed
    (other / SIGNATURE).write_bytes((signed / SIGNATURE).read_bytes())
    mended = push(model, base, second.signs())
    assert mended != other, "the signature was of another version"
    assert sorted(list_versions(base)) == sorted(int(each.name) for each in (unsigned, signed, other, mended))


def test_a_model_that_must_not_be_signed_is_not_pushed(tmp_path: Path, base: Path) -> None:
    reading = graph()
    reading.meta_graphs[0].graph_def.node.append(node("n", "ReadFile"))
    with pytest.raises(SigningError, match="the model cannot be signed: node 'n' runs ReadFile"):
        push(write(tmp_path / "model", reading), base, Key().signs())
    assert list(base.iterdir()) == []


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from components.pusher.versions import push

copy = shutil.copyfile
def copy_and_die(source, target):
    copy(source, target)
    os.kill(os.getpid(), signal.SIGKILL)

shutil.copyfile = copy_and_die
push(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_killed_in_the_middle_of_a_copy(model: Path, base: Path) -> None:
    root = Path(__file__).parents[3]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(model), str(base)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (half,) = base.iterdir()
    assert half.name.endswith(".tmp")
    assert len(read_files(half)) == 1
    version = push(model, base)
    assert list(base.iterdir()) == [version]
    assert read_files(version) == FILES
