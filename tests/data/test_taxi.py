"""Preparing the trips: right bytes, untouched when right, whole or absent, clear when impossible."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from data import taxi

ROWS = 15_002


def test_writes_the_packaged_rows(tmp_path: Path) -> None:
    assert taxi.prepare(tmp_path / "new" / "folder") == tmp_path / "new" / "folder"
    content = (tmp_path / "new" / "folder" / "trips.csv").read_bytes()
    assert hashlib.sha256(content).hexdigest() == taxi.card_sha256()
    assert content.count(b"\n") == ROWS + 1
    assert os.listdir(tmp_path / "new" / "folder") == ["trips.csv"]


def test_leaves_a_right_file_untouched(tmp_path: Path) -> None:
    file = taxi.prepare(tmp_path) / "trips.csv"
    os.utime(file, ns=(1_000_000_000, 1_000_000_000))
    inode = file.stat().st_ino
    taxi.prepare(tmp_path)
    assert file.stat().st_mtime_ns == 1_000_000_000
    assert file.stat().st_ino == inode


@pytest.mark.parametrize("damage", [b"", b"half,of,a", b"x" * 2_000_000])
def test_replaces_a_damaged_file(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "trips.csv").write_bytes(damage)
    taxi.prepare(tmp_path)
    assert hashlib.sha256((tmp_path / "trips.csv").read_bytes()).hexdigest() == taxi.card_sha256()


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "trips.csv").write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        taxi.prepare(tmp_path)
    assert os.listdir(tmp_path) == ["trips.csv"]
    assert (tmp_path / "trips.csv").read_bytes() == b"old"


def test_clears_what_a_killed_run_left(tmp_path: Path) -> None:
    killed = (
        "import os, pathlib, signal; from data import taxi;"
        "os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL);"
        f"taxi.prepare(pathlib.Path({str(tmp_path)!r}))"
    )
    assert subprocess.run([sys.executable, "-c", killed], check=False).returncode == -9
    assert not (tmp_path / "trips.csv").exists()
    assert len(os.listdir(tmp_path)) == 1
    taxi.prepare(tmp_path)
    assert os.listdir(tmp_path) == ["trips.csv"]


def test_refuses_other_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "data.csv"
    other.write_bytes(b"other\n")
    monkeypatch.setattr(taxi, "packaged_file", lambda: other)
    received = hashlib.sha256(b"other\n").hexdigest()
    with pytest.raises(taxi.DataError, match=rf"expected sha256 cdaf0b59\w+, received {received}. Install tfx again"):
        taxi.prepare(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_says_that_tfx_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taxi.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(taxi.DataError, match=r"inside the installed tfx package, found no tfx. Install the project's"):
        taxi.packaged_file()


def test_says_that_the_card_has_no_sha256(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taxi, "CARD", tmp_path / "README.md")
    (tmp_path / "README.md").write_text("nothing")
    with pytest.raises(taxi.DataError, match="expected a line 'sha256: "):
        taxi.card_sha256()


def test_command_prints_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert taxi.main(["--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/trips.csv: 15,002 trips, sha256 as in data/README.md\n"


def test_command_fails_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert taxi.main(["--out", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.startswith("data.taxi: [Errno")


def test_imports_the_standard_library_alone(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from data import taxi;"
        f"taxi.prepare(pathlib.Path({str(tmp_path)!r}));"
        "tops = {name.partition('.')[0] for name in sys.modules if not name.startswith(('_', 'data'))};"
        "print(sorted(tops & {'tfx', 'tensorflow', 'numpy', 'pandas', 'apache_beam'}))"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout == "[]\n"
