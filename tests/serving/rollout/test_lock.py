"""One roll-out at a time, and no lock outlives its holder."""

import subprocess
import sys
from pathlib import Path

import pytest

from serving.rollout import lock
from serving.rollout.errors import PreconditionError

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import sys, pathlib
from serving.rollout import lock
with lock.held(pathlib.Path(sys.argv[1]), "promote of taxi by op@host"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_is_told_who_is_first_until_that_one_is_killed(tmp_path: Path) -> None:
    path = tmp_path / lock.NAME
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        words = f"another roll-out is at work: promote of taxi by op@host, process {holder.pid};"
        with pytest.raises(PreconditionError, match=words), lock.held(path, "canary"):
            pass
        holder.kill()
    with lock.held(path, "canary of taxi by me@here"):
        assert path.read_text().startswith("canary of taxi by me@here, process ")
    with lock.held(path, "again"):
        pass
