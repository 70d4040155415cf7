"""One holder at a time, and no lock outlives its holder."""

import subprocess
import sys
from pathlib import Path

import pytest

from serving import file_lock

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys, pathlib
from serving import file_lock
with file_lock.exclusive(pathlib.Path(sys.argv[1]), "promote of taxi by op@host"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_is_told_who_is_first_until_that_one_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        expected = f"{path} is locked by promote of taxi by op@host: "
        with pytest.raises(file_lock.FileLockedError, match=expected) as error, file_lock.exclusive(path, "canary"):
            pass
        assert error.value.holder == "promote of taxi by op@host"
        holder.kill()
    with file_lock.exclusive(path, "canary of taxi by me@here"):
        assert path.read_text() == "canary of taxi by me@here"
    with file_lock.exclusive(path, "again"):
        pass
    assert path.read_text() == ""
