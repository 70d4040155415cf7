"""A child ends with the process that started it, however that one ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from components.candidate_serving import child_process

ROOT = Path(__file__).resolve().parents[3]
WAITS = "import os, threading\nprint(os.getpid(), flush=True)\nthreading.Event().wait()\n"
PATIENCE = 60  # seconds


def program(folder: Path, code: str) -> str:
    path = folder / "program.py"
    path.write_text(code)
    return str(path)


def first_line(log: Path) -> str:
    """The first line of a log, once it is whole."""
    until = time.monotonic() + PATIENCE
    while not (log.exists() and "\n" in log.read_text()):
        assert time.monotonic() < until, f"no line in {log}"
        time.sleep(0.01)
    return log.read_text().splitlines()[0]


def wait_until_gone(pid: int) -> None:
    until = time.monotonic() + PATIENCE
    while is_running(pid):
        assert time.monotonic() < until, f"process {pid} is still there"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE  # which only waits to be collected
    except psutil.NoSuchProcess:
        return False


def test_its_arguments_its_folder_and_its_log(tmp_path: Path) -> None:
    code = "import os, sys\nprint(sys.argv[1:], os.getcwd())\nsys.exit(3)\n"
    log = tmp_path / "log"
    with child_process.run_python([program(tmp_path, code), "a", "b"], workdir=tmp_path, log=log) as child:
        assert child.wait() == 3
    assert log.read_text() == f"['a', 'b'] {tmp_path}\n"
    assert child_process.read_last_line(log) == f"['a', 'b'] {tmp_path}"


@pytest.mark.parametrize("project", [None, ROOT], ids=["without", "with"])
def test_what_it_can_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: Path | None) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    log = tmp_path / "log"
    module = ["-m", "serving.server.options"]
    with child_process.run_python(module, workdir=tmp_path, log=log, project=project) as child:
        assert child.wait() == (0 if project else 1)
    assert ("No module named 'serving'" in child_process.read_last_line(log)) == (project is None)


def test_an_editable_install_of_the_project_does_not_count(tmp_path: Path) -> None:
    found = "import importlib.util, sys\nsys.exit(importlib.util.find_spec('components') is not None)\n"
    # As a .pth file does: the path entry is there when the interpreter has started.
    already = f"import runpy, sys\nsys.path.append({str(ROOT)!r})\nsys.argv = ['', {program(tmp_path, found)!r}]\n"
    script = tmp_path / "started.py"
    script.write_text(f"{already}runpy.run_path({child_process.__file__!r}, run_name='__main__')\n")
    without = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen([sys.executable, "-P", script], stdin=subprocess.PIPE, env=without) as child:
        assert child.wait(PATIENCE) == 0


def test_the_end_of_the_block_ends_it(tmp_path: Path) -> None:
    waits = program(tmp_path, WAITS)
    with child_process.run_python([waits], workdir=tmp_path, log=tmp_path / "log") as child:
        first_line(tmp_path / "log")
        assert child.poll() is None
    assert child.returncode == -signal.SIGKILL


def test_an_error_in_the_block_ends_it(tmp_path: Path) -> None:
    waits = program(tmp_path, WAITS)
    with (
        pytest.raises(ZeroDivisionError),
        child_process.run_python([waits], workdir=tmp_path, log=tmp_path / "log") as child,
    ):
        raise ZeroDivisionError
    assert child.returncode == -signal.SIGKILL


def test_a_killed_parent_ends_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    waits = program(tmp_path, WAITS)
    starts = (
        "import sys, threading; from pathlib import Path; from components.candidate_serving import child_process\n"
        f"with child_process.run_python([{waits!r}], workdir=Path({str(tmp_path)!r}), log=Path({str(log)!r})):\n"
        "    threading.Event().wait()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", starts], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    try:
        child = int(first_line(log))
        assert is_running(child)
    finally:
        parent.kill()
        parent.wait()
    wait_until_gone(child)


def test_libraries_that_nobody_here_uses_are_not_found(tmp_path: Path) -> None:
    """Beside them TensorFlow imports: this keeps their cost out of either process."""
    code = "import importlib.util\nprint([importlib.util.find_spec(name) for name in ('pandas', 'sklearn', 'json')])\n"
    log = tmp_path / "log"
    with child_process.run_python([program(tmp_path, code)], workdir=tmp_path, log=log) as child:
        assert child.wait() == 0
    assert log.read_text().startswith("[None, None, ModuleSpec(name='json'")
