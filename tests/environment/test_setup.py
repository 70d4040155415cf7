"""`make setup` from end to end, with a stand-in for uv: nothing is fetched, and what it was asked is on record."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from environment import uv
from environment.stack import Python, probe

pytestmark = pytest.mark.slow

UV = """#!/bin/sh
[ "$1 $2" = "python dir" ] && exit
[ "$1 $2" = "python list" ] && { echo '[{"path": "python3"}]'; exit; }
echo "$@" >> calls
case $1 in
    venv) rm -rf .venv; mkdir -p .venv/bin; ln -s "$UV_PYTHON" .venv/bin/python ;;
    sync) echo "$UV_PYTHON" > python; [ ! -e cut ] || eval "$(cat cut)" ;;
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
        self.python = base
        runs = f'#!/bin/sh\nexec "{base.executable}" "$@"\n'
        for name, text in (("uv", UV), ("python3", runs)):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
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


def test_another_value_of_python_is_noticed_and_handed_to_uv_which_makes_the_environment_anew(done):
    stamp = done.root / ".venv" / ".synced-auto"
    stamp.rename(stamp.with_name(".synced-python3.10"))
    assert (done.setup().returncode, done.calls(), done.stamps()) == (0, [SYNC], [".synced-auto"])
    version, executable = stamp.read_text().split()
    assert (version, executable) == (done.python.version, done.python.executable)
    assert (done.root / "python").read_text() == executable + "\n"


def test_python_with_a_space_in_its_path_has_one_stamp_too(done):
    folder = done.root / "my tools"
    folder.mkdir()
    shutil.copy(done.root / "tools" / "python3", folder)
    for calls in ([SYNC], []):
        assert (done.setup("PYTHON=my tools/python3").returncode, done.calls()) == (0, calls)
    assert done.stamps() == [".synced-my-tools-python3"]


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
    assert f"uv {SYNC}` to end with status 0. Received: status 1." in failed.stderr
    assert "If they name the network, run it again: fetched packages are kept." in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_machine_that_lacks_something_is_told_before_anything_is_installed(project):
    project.environment["CXX"] = "/nowhere/c++"
    failed = project.setup()
    assert (failed.returncode, project.calls()) == (2, [])
    assert "MISSING   a C++ compiler: expected" in failed.stderr


def test_python_that_does_not_run_is_an_error(project):
    failed = project.setup("PYTHON=python3.99")
    assert (failed.returncode, project.calls()) == (2, [])
    assert "PYTHON=python3.99 does not run. Expected: the name or path of a Python >=3.11,<3.14." in failed.stderr


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
    assert "another set-up is running in this folder; waiting for it" in said


def test_a_uv_that_is_too_old_or_does_not_start_is_passed_over(project, monkeypatch):
    """`python dir` is a command that fails where pyproject.toml requires a newer uv."""
    stand_in = project.root / "tools" / "uv"
    monkeypatch.setenv("PATH", str(stand_in.parent))
    monkeypatch.chdir(project.root)
    assert uv.find() == str(stand_in)
    for text in (UV.replace('dir" ] && exit', 'dir" ] && exit 2'), "not a program"):
        stand_in.write_text(text)
        assert uv.find() is None


def test_uv_itself_heeds_the_version_that_pyproject_requires(tmp_path):
    installer = Path(uv.find() or uv.fetch()).resolve()
    for required, status in ((f">={uv.VERSION}", 0), (">=99", 2)):
        (tmp_path / "uv.toml").write_text(f'required-version = "{required}"')
        assert subprocess.run([installer, "python", "dir"], cwd=tmp_path, check=False).returncode == status


def test_without_any_python_that_starts_the_set_up_says_what_it_needs(tmp_path):
    start = Path("environment/start").read_text().replace("/usr/bin/python3", "/nowhere/python3")
    done = subprocess.run(
        ["/bin/sh", "-c", start, "start", "doctor"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("The set-up needs a Python to run on. Expected: Python 3.8 or newer, as python3, ")


def test_the_set_up_runs_on_the_first_python_that_starts(project):
    (project.root / "tools" / "python3").write_text("#!/bin/sh\nexit 127\n")
    done = subprocess.run(
        ["environment/start", "browser"],
        cwd=project.root,
        env=project.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "expected chromium" in done.stderr or done.returncode == 0
