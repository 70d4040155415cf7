"""The fingerprint is of what files hold: times and names do not matter, a changed cell does, whatever its times."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from components.csv_example_gen import fingerprint as module
from components.csv_example_gen.file_contents import SourceError
from components.csv_example_gen.fingerprint import FileDigest, RememberedDigests, digest_file, fingerprint, identify

OLD = (1_000_000_000, 1_000_000_000)
HOUR = 3600 * 10**9


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("x\n1\n2\n")
    os.utime(path, OLD)
    return path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The files that are read."""
    found: list[str] = []

    def digest(path: str) -> FileDigest:
        found.append(path)
        return digest_file(path)

    monkeypatch.setattr(module, "digest_file", digest)
    return found


def mount_everything_as(monkeypatch: pytest.MonkeyPatch, file_system: str) -> None:
    """One file system for all files: in a changed root the machine's own mounts are not seen."""
    everything = SimpleNamespace(mountpoint="/", fstype=file_system)
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: [everything])


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour from now on a file system whose clock counts fractions: what was just written is settled."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + HOUR)
    mount_everything_as(monkeypatch, "ext4")


def test_of_content_whatever_the_times_and_the_names(rows: Path, tmp_path: Path) -> None:
    first = fingerprint("all", [str(rows)])
    assert first.startswith("split:all,num_files:1,total_bytes:6,blake2b:")
    os.utime(rows)
    copy = shutil.copy(rows, tmp_path / "copy.csv")
    assert fingerprint("all", [str(rows)]) == fingerprint("all", [copy]) == first


@pytest.mark.parametrize("recreated", [False, True], ids=["in place", "as another file"])
def test_a_changed_cell_under_the_old_size_and_time(rows: Path, recreated: bool) -> None:
    before, first = rows.stat(), fingerprint("all", [str(rows)])
    if recreated:
        rows.unlink()
    rows.write_text("x\n1\n3\n")
    os.utime(rows, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (rows.stat().st_size, rows.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert fingerprint("all", [str(rows)]) != first


def test_the_order_of_files_and_where_one_ends(tmp_path: Path) -> None:
    for name, text in (("a", "x\n1\n"), ("b", "x\n2\n"), ("c", "x\n1\nx\n"), ("d", "2\n")):
        (tmp_path / name).write_text(text)
    a, b, c, d = (str(tmp_path / name) for name in "abcd")
    assert len({fingerprint("all", files) for files in ([a, b], [b, a], [c, d], [a, b, b], [a])}) == 5


def test_as_b2sum_computes_it(rows: Path, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("x\n9\n")
    # What the command in the module's docstring printed for these two files.
    found = "539a5e5c90ae5ffd404e81743f57645fd4e1135f3a2adf4331fc5d314ac79048"
    assert fingerprint("all", [str(rows), str(tmp_path / "s.csv")]).endswith(f",blake2b:{found}")


@pytest.mark.usefixtures("later")
def test_a_settled_file_is_read_once(rows: Path, tmp_path: Path, reads: list[str]) -> None:
    memory = tmp_path / "var" / "memory.json"
    for _ in range(3):
        remembered = RememberedDigests(memory)
        for _ in range(2):
            assert remembered.digest(str(rows)) == digest_file(str(rows))
        remembered.save()
    assert reads == [str(rows)]
    rows.unlink()
    RememberedDigests(memory).save()
    assert json.loads(memory.read_text()) == {}


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("how", ["in place", "as another file", "moved here"])
def test_a_remembered_file_that_changes_is_read_again(rows: Path, tmp_path: Path, reads: list[str], how: str) -> None:
    """Under its old size and time, to the nanosecond: the inode's own time, ctime, cannot be set."""
    remembered = RememberedDigests(tmp_path / "memory.json")
    before = rows.stat()
    for _ in range(2):
        remembered.digest(str(rows))
    assert len(reads) == 1
    probe = tmp_path / "probe"
    probe.touch()
    while probe.stat().st_ctime_ns <= before.st_ctime_ns:  # the clock of the file system ticks every few milliseconds
        probe.touch()
    target = rows
    if how == "as another file":
        rows.unlink()
    elif how == "moved here":
        target = tmp_path / "other.csv"
    target.write_text("x\n1\n3\n")
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    target.replace(rows)
    assert remembered.digest(str(rows)) == digest_file(str(rows))
    assert len(reads) == 2


def test_a_file_that_was_touched_a_moment_ago_is_read_every_time(rows: Path, tmp_path: Path, reads: list[str]) -> None:
    """Its times could not show another change within a tick of the clock; its mtime may be as old as it likes."""
    remembered = RememberedDigests(tmp_path / "memory.json")
    for _ in range(2):
        remembered.digest(str(rows))
    assert len(reads) == 2


@pytest.mark.usefixtures("later")
def test_a_clock_of_whole_seconds_and_a_foreign_file_system_are_read_every_time(
    rows: Path, tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    coarse = RememberedDigests(tmp_path / "memory.json")
    real = identify(str(rows))
    assert real is not None
    with monkeypatch.context() as patch:
        patch.setattr(module, "identify", lambda path: (*real[:-1], real[-1] // 10**9 * 10**9))
        for _ in range(2):
            coarse.digest(str(rows))
    assert len(reads) == 2
    mount_everything_as(monkeypatch, "nfs4")
    foreign = RememberedDigests(tmp_path / "memory.json")
    for _ in range(2):
        foreign.digest(str(rows))
    assert len(reads) == 4


@pytest.mark.usefixtures("later")
def test_a_file_that_changes_while_it_is_hashed_is_not_remembered(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def digest(path: str) -> FileDigest:
        found = digest_file(path)
        rows.write_text("x\n1\n3\n")
        return found

    remembered = RememberedDigests(tmp_path / "memory.json")
    with monkeypatch.context() as patch:
        patch.setattr(module, "digest_file", digest)
        remembered.digest(str(rows))
    assert remembered.digest(str(rows)) == digest_file(str(rows))


@pytest.mark.parametrize("memory", ["{", "[1]", '{"rows.csv": {}}', '{"rows.csv": 1}'])
def test_a_damaged_memory_costs_a_reading(rows: Path, tmp_path: Path, memory: str) -> None:
    (tmp_path / "memory.json").write_text(memory.replace("rows.csv", str(rows)))
    assert RememberedDigests(tmp_path / "memory.json").digest(str(rows)) == digest_file(str(rows))


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.csv: cannot be read: No such file or directory\.$"):
        digest_file(str(tmp_path / "none.csv"))
