"""A program in a fork of the standby process is what it is in a process of its own, and ends as that does."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.candidate_serving.child_process import read_last_line
from components.candidate_serving.standby import Child, Standby, _StandbyChild, run_python
from tests.components.candidate_serving.test_child_process import (
    PATIENCE,
    ROOT,
    WAITS,
    first_line,
    program,
    wait_until_gone,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="where nodes run in forks"),
]


@pytest.fixture(scope="module", autouse=True)
def standby() -> Iterator[Standby]:
    """One for all tests: it takes seconds until it is ready."""
    with Standby() as started:
        yield started


def wait_for(child: Child) -> int:
    until = time.monotonic() + PATIENCE
    while (status := child.poll()) is None:
        assert time.monotonic() < until, "the program has not ended"
        time.sleep(0.01)
    return status


def test_its_arguments_its_folder_its_log_and_its_status(tmp_path: Path) -> None:
    code = "import os, sys\nprint(sys.argv[1:], os.getcwd(), __name__)\nsys.exit(3)\n"
    with run_python([program(tmp_path, code), "a", "b"], workdir=tmp_path, log=tmp_path / "log") as child:
        assert wait_for(child) == child.returncode == 3
    assert (tmp_path / "log").read_text() == f"['a', 'b'] {tmp_path} __main__\n"


def test_tensorflow_is_loaded_and_nothing_of_this_project(tmp_path: Path, standby: Standby) -> None:
    code = (
        "import os, sys\n"
        "ours = [name for name in sys.modules if name.split('.')[0] in ('components', 'pipelines', 'serving')]\n"
        "print('tensorflow' in sys.modules, 'pandas' in sys.modules and sys.modules['pandas'], ours, os.getppid())\n"
    )
    with run_python([program(tmp_path, code)], workdir=tmp_path, log=tmp_path / "log") as child:
        assert wait_for(child) == 0
    assert read_last_line(tmp_path / "log") == f"True None [] {standby._process.pid}"


@pytest.mark.parametrize("project", [None, ROOT], ids=["without", "with"])
def test_what_it_can_import(tmp_path: Path, project: Path | None) -> None:
    log = tmp_path / "log"
    with run_python(["-m", "serving.server.options"], workdir=tmp_path, log=log, project=project) as child:
        assert wait_for(child) == (0 if project else 1)
    assert ("No module named 'serving'" in read_last_line(log)) == (project is None)


def test_two_at_the_same_time(tmp_path: Path) -> None:
    waits = program(tmp_path, WAITS)
    with run_python([waits], workdir=tmp_path, log=tmp_path / "one") as one:
        with run_python([waits], workdir=tmp_path, log=tmp_path / "two") as two:
            pids = [int(first_line(tmp_path / name)) for name in ("one", "two")]
            os.kill(pids[0], signal.SIGTERM)
            assert wait_for(one) == -signal.SIGTERM
            assert two.poll() is None
        assert two.returncode == -signal.SIGKILL, "the end of the block ends it"
    wait_until_gone(pids[1])


def test_the_end_of_the_block_ends_one_that_has_not_begun(tmp_path: Path) -> None:
    with Standby(), run_python([program(tmp_path, WAITS)], workdir=tmp_path, log=tmp_path / "log") as child:
        assert child.poll() is None  # TensorFlow is still being imported.
    assert child.returncode == -signal.SIGKILL


def test_ctrl_c_is_left_to_who_started_it(tmp_path: Path) -> None:
    code = "import signal\nprint(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)\n"
    with run_python([program(tmp_path, code)], workdir=tmp_path, log=tmp_path / "log") as child:
        assert wait_for(child) == 0
    assert read_last_line(tmp_path / "log") == "True"


def test_one_that_ends_at_the_moment_when_it_is_killed() -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    reports, theirs = os.pipe()
    os.write(theirs, b"%d\n" % gone.pid)
    says_status = threading.Timer(0.2, os.write, (theirs, b"0\n"))
    says_status.start()
    child = _StandbyChild(reports)
    child.kill()
    assert child.returncode == 0
    says_status.join()
    os.close(reports)
    os.close(theirs)


def test_a_standby_process_that_was_killed_is_done_without(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Standby() as killed:
        killed._process.kill()
        killed._process.wait()
        with run_python([program(tmp_path, "print('alone')\n")], workdir=tmp_path, log=log) as child:
            assert wait_for(child) == 0
    assert read_last_line(log) == "alone"


def test_a_killed_parent_ends_both(tmp_path: Path) -> None:
    log = tmp_path / "log"
    starts = (
        "import threading; from pathlib import Path; from components.candidate_serving import standby\n"
        "with standby.Standby() as ready:\n"
        "    print(ready._process.pid, flush=True)\n"
        f"    with standby.run_python([{program(tmp_path, WAITS)!r}], workdir=Path({str(tmp_path)!r}),\n"
        f"                            log=Path({str(log)!r})):\n"
        "        threading.Event().wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", starts], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        ready = int(parent.stdout.readline())
        child = int(first_line(log))
        parent.kill()
    wait_until_gone(child)
    wait_until_gone(ready)
