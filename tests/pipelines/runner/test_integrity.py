"""What the ledger notices."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.runner.integrity import ArtifactDigests, digest_path


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    path = tmp_path / "root" / "Trainer" / "model" / "7"
    (path / "variables").mkdir(parents=True)
    (path / "graph.pb").write_bytes(b"graph")
    (path / "variables" / "data").write_bytes(b"weights")
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def test_untouched(root: Path, artifact: Path) -> None:
    ledger = ArtifactDigests(root)
    ledger.record(str(artifact))
    assert ledger.intact(str(artifact))
    assert ArtifactDigests(root).intact(str(artifact)), "the ledger outlives the process"


CHANGES: dict[str, Callable[[Path], object]] = {
    "a byte": lambda path: (path / "graph.pb").write_bytes(b"grapi"),
    "truncated": lambda path: (path / "variables" / "data").write_bytes(b""),
    "a file less": lambda path: (path / "graph.pb").unlink(),
    "a file more": lambda path: (path / "more").write_bytes(b""),
    "renamed": lambda path: (path / "graph.pb").rename(path / "graph2.pb"),
    "moved": lambda path: (path / "variables" / "data").rename(path / "data"),
    "gone": shutil.rmtree,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change(root: Path, artifact: Path, change: Callable[[Path], object]) -> None:
    ArtifactDigests(root).record(str(artifact))
    change(artifact)
    assert not ArtifactDigests(root).intact(str(artifact))


def test_what_was_never_recorded_passes(root: Path, artifact: Path) -> None:
    assert ArtifactDigests(root).intact(str(artifact))


def test_recorded_anew(root: Path, artifact: Path) -> None:
    ledger = ArtifactDigests(root)
    ledger.record(str(artifact))
    CHANGES["a byte"](artifact)
    ledger.record(str(artifact))
    assert ArtifactDigests(root).intact(str(artifact))
    assert {path.name for path in root.iterdir() if path.is_file()} == {"digests.json", ".digests.lock"}


def test_a_file_is_an_artifact_too(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x")
    (tmp_path / "other").write_bytes(b"x")
    assert digest_path(tmp_path / "one") == digest_path(tmp_path / "other"), "its own name does not count"
    (tmp_path / "other").write_bytes(b"y")
    assert digest_path(tmp_path / "one") != digest_path(tmp_path / "other")


def test_what_another_pipeline_wrote_is_held_against_its_own_digests(
    tmp_path: Path, root: Path, artifact: Path
) -> None:
    """A span is ingested by one pipeline and trained on by another."""
    ArtifactDigests(root).record(str(artifact))
    other = ArtifactDigests(tmp_path / "training")
    assert other.intact(str(artifact))
    (artifact / "graph.pb").write_bytes(b"grapi")
    assert not other.intact(str(artifact))


def test_two_processes_record_into_one_file(tmp_path: Path, artifact: Path) -> None:
    """Each node of a run may be a process of its own, with a ledger that it read when it began."""
    root = tmp_path / "root"
    other = artifact.parent / "8"
    shutil.copytree(artifact, other)
    one, another = ArtifactDigests(root), ArtifactDigests(root)
    one.record(str(artifact))
    another.record(str(other))
    CHANGES["a byte"](artifact)
    CHANGES["a byte"](other)
    assert not ArtifactDigests(root).intact(str(artifact))
    assert not ArtifactDigests(root).intact(str(other))
