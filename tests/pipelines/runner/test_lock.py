"""One run at a time over one folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.runner.lock import BusyError, lock_folder

ROOT = Path(__file__).parents[3]
HOLD = """
import sys, time
from pathlib import Path
from pipelines.runner.lock import lock_folder
with lock_folder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(var: Path) -> "subprocess.Popen[str]":
    """Another process that holds `var` until its standard input closes."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(var)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_at_once(tmp_path: Path) -> None:
    with holder(tmp_path) as other:
        with pytest.raises(BusyError) as error, lock_folder(tmp_path):
            pytest.fail("two runs hold one folder")
        assert str(error.value) == (
            f"another run (process {other.pid}) is using {tmp_path}: wait for it, stop it, or give this run its own "
            "folder with --var"
        )
        with lock_folder(tmp_path / "other"):
            pass


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    with holder(tmp_path) as other:
        other.kill()
        other.wait()
        with lock_folder(tmp_path):
            assert (tmp_path / ".lock").read_text() == str(os.getpid())


def test_held_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), lock_folder(tmp_path / "new" / "var"):
        raise KeyError
    with lock_folder(tmp_path / "new" / "var"):
        pass


def test_waits_for_the_holder_and_says_so_once(tmp_path: Path) -> None:
    told: list[str] = []
    with holder(tmp_path) as other:

        def release(who: str) -> None:
            told.append(who)
            assert other.stdin is not None
            other.stdin.close()

        with lock_folder(tmp_path, wait=20.0, on_wait=release):
            assert told == [f"process {other.pid}"]


def test_waits_no_longer_than_it_may(tmp_path: Path) -> None:
    with holder(tmp_path), pytest.raises(BusyError), lock_folder(tmp_path, wait=0.3):
        pytest.fail("two runs hold one folder")


def test_shared_with_others_but_not_with_one_who_wants_it_alone(tmp_path: Path) -> None:
    together = lock_folder(tmp_path, shared=True), lock_folder(tmp_path, shared=True)
    with together[0], together[1], pytest.raises(BusyError), lock_folder(tmp_path):
        pytest.fail("held alone and together")
    with lock_folder(tmp_path), pytest.raises(BusyError), lock_folder(tmp_path, shared=True):
        pytest.fail("held alone and together")
