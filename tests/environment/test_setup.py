"""`make setup` from end to end, with a stand-in for uv: nothing is fetched, and what it was asked is on record."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from environment import uv
from environment.pythons import Python, probe

pytestmark = pytest.mark.slow

UV = """#!/bin/sh
[ "$1" = --version ] && { echo "uv 99.0.0 (a stand-in)"; exit; }
echo "$@" >> calls
case $1 in
    venv) rm -rf .venv; mkdir -p .venv/bin; ln -s "$UV_PYTHON" .venv/bin/python ;;
    sync) [ ! -e cut ] || eval "$(cat cut)" ;;
esac
"""
MAKE_ANEW = "venv --clear --quiet .venv --quiet"
SYNC = "sync --locked --all-groups --compile-bytecode --quiet"


class Project:
    """A copy of what set-up reads, with the stand-in first on PATH."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("Makefile", "pyproject.toml", "uv.lock"):
            shutil.copy(name, root)
        shutil.copytree("environment", root / "environment")
        tools = root / "tools"
        tools.mkdir()
        base = probe(sys.executable)
        assert isinstance(base, Python)
        runs = f'#!/bin/sh\nexec "{base.executable}" "$@"\n'
        for name, text in (("uv", UV), ("python3", runs), (f"python3.{base.version[1]}", runs)):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        # Few folders, so that few interpreters have to be asked.
        self.environment = {"PATH": f"{tools}:/usr/bin:/bin"}

    def setup(self, *variables: str) -> subprocess.CompletedProcess:
        command = ["make", "setup", *variables]
        return subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False, timeout=60
        )

    def calls(self) -> list[str]:
        """What the stand-in was asked since the last look."""
        record = self.root / "calls"
        lines = record.read_text().splitlines() if record.exists() else []
        record.unlink(missing_ok=True)
        return lines

    def stamps(self) -> list[str]:
        return sorted(path.name for path in (self.root / ".venv").glob(".synced*"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def done(project: Project) -> Project:
    assert project.setup().returncode == 0
    assert project.calls() == [MAKE_ANEW, SYNC]
    return project


def test_the_second_time_nothing_is_started(done):
    again = done.setup()
    assert (again.returncode, again.stderr, done.calls()) == (0, "", [])
    assert again.stdout == "make: Nothing to be done for 'setup'.\n"


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml"])
def test_an_edit_of_what_is_installed_syncs_the_same_environment(done, name):
    later = (done.root / ".venv" / ".synced-auto").stat().st_mtime + 5
    os.utime(done.root / name, (later, later))
    assert (done.setup().returncode, done.calls()) == (0, [SYNC])


def test_python_given_by_hand_keeps_the_environment_where_it_is_the_same_one(done):
    version, executable = (done.root / ".venv" / ".synced-auto").read_text().split()
    assert version
    assert done.setup(f"PYTHON={executable}").returncode == 0
    assert done.calls() == [SYNC]
    assert done.stamps() == [f".synced-{executable.replace('/', '-')}"]


def test_an_environment_of_another_python_is_made_anew(done):
    (done.root / ".venv" / ".synced-auto").rename(done.root / ".venv" / ".synced-python3.10")
    (done.root / ".venv" / ".synced-python3.10").write_text("3.10.1 /usr/bin/python3.10\n")
    assert (done.setup().returncode, done.calls()) == (0, [MAKE_ANEW, SYNC])
    assert done.stamps() == [".synced-auto"]


def test_an_environment_whose_python_is_gone_is_made_anew(done):
    link = done.root / ".venv" / "bin" / "python"
    link.unlink()
    link.symlink_to("/nowhere/python3")
    assert (done.setup().returncode, done.calls()) == (0, [MAKE_ANEW, SYNC])


@pytest.mark.parametrize("cut", ["exit 1", "kill -KILL $PPID", "kill -KILL $$"])
def test_a_sync_that_was_cut_off_starts_from_nothing(done, cut):
    later = (done.root / ".venv" / ".synced-auto").stat().st_mtime + 5
    os.utime(done.root / "uv.lock", (later, later))
    (done.root / "cut").write_text(cut)
    assert (done.setup().returncode, done.calls(), done.stamps()) == (2, [SYNC], [])
    (done.root / "cut").unlink()
    assert (done.setup().returncode, done.calls()) == (0, [MAKE_ANEW, SYNC])
    assert done.stamps() == [".synced-auto"]


def test_a_failed_sync_says_what_and_what_next(project):
    (project.root / "cut").write_text("echo 'error: the index is away' >&2; exit 1")
    failed = project.setup()
    assert failed.returncode == 2
    assert "error: the index is away" in failed.stderr
    assert f"uv {SYNC}` to end with status 0. Received: Command" in failed.stderr
    assert "Where they speak of the network, run again: what was fetched is kept." in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_machine_that_lacks_something_is_told_before_anything_is_installed(project):
    project.environment["CXX"] = "/nowhere/c++"
    failed = project.setup()
    assert (failed.returncode, project.calls()) == (2, [])
    assert "MISSING   a C++ compiler: expected" in failed.stderr


def test_python_that_does_not_run_is_an_error(project):
    failed = project.setup("PYTHON=python3.99")
    assert (failed.returncode, project.calls()) == (2, [])
    assert "PYTHON=python3.99 does not run. Expected: the name or path of a Python 3.11, 3.12 or 3.13." in failed.stderr


def test_two_at_once_wait_for_each_other_and_sync_once(project):
    (project.root / "cut").write_text("sleep 1")
    command = [sys.executable, "-m", "environment.setup", ".venv/.synced-auto"]
    pair = [
        subprocess.Popen(command, cwd=project.root, env=project.environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = "".join(process.communicate(timeout=60)[0] for process in pair)
    assert [process.returncode for process in pair] == [0, 0]
    assert project.calls() == [MAKE_ANEW, SYNC]
    assert "another one is at work in this folder; waiting for it" in said


def test_an_older_uv_is_passed_over(project, monkeypatch):
    stand_in = project.root / "tools" / "uv"
    stand_in.write_text(UV.replace("99.0.0", "0.4.30"))
    monkeypatch.setenv("PATH", str(stand_in.parent))
    monkeypatch.chdir(project.root)
    assert uv.version(str(stand_in)) == (0, 4, 30)
    assert uv.find() is None
