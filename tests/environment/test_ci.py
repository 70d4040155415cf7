"""What CI's script does on a Debian machine: programs that stand for those it calls write down how they are called."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]
INSTALL = "apt-get install --yes --no-install-recommends "


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of which every command succeeds, on a machine that has what the script itself needs and no more."""
    project = tmp_path / "project"
    (project / ".venv/bin").mkdir(parents=True)
    (project / ".ci").mkdir()
    shutil.copy(SOURCE / ".ci/run", project / ".ci")
    (project / "tests").symlink_to(SOURCE / "tests")
    (tmp_path / "bin").mkdir()
    for name in ("bash", "cat", "date", "dirname", "grep", "mktemp", "rm"):
        found = shutil.which(name)
        assert found
        (tmp_path / "bin" / name).symlink_to(found)
    for path in (*(tmp_path / "bin" / name for name in ("apt-get", "make")), project / ".venv/bin/python"):
        answer(path, f'echo "{path.name} $*" >>"{tmp_path}/calls"')
    answer(tmp_path / "bin/id", "echo 0")
    answer(tmp_path / "bin/python3", "exit 2")  # no browser
    return project


def answer(path: Path, command: str) -> None:
    path.write_text(f"#!/bin/sh\n{command}\n")
    path.chmod(0o755)


def run(project: Path) -> tuple[int, list[str], str]:
    """Status, the calls, and what was said."""
    done = subprocess.run(
        [project / ".ci/run"], env={"PATH": str(project.parent / "bin")}, capture_output=True, text=True, check=False
    )
    return done.returncode, (project.parent / "calls").read_text().splitlines(), done.stdout + done.stderr


def test_a_fresh_machine_gets_what_the_tests_start_and_every_test_runs(project: Path) -> None:
    status, calls, said = run(project)
    assert status == 0, said
    assert calls[0] == "apt-get update"
    packages = calls[1].removeprefix(INSTALL).split()
    assert {
        "chromium",
        "maven",
        "redis-server",
        "prometheus",
        "prometheus-alertmanager",
        "haproxy",
        "npm",
        "openssl",
    } <= set(packages)
    assert [call for call in calls if call.startswith("make")] == [
        "make doctor", "make check", "make test", "make test-engine MARK=engine and not slow",
        "make test-other-stack MARK=not one_stack",
    ]  # fmt: skip
    (tests,) = [call for call in calls if call.startswith("python")]
    asked = tests.removeprefix("python -m pytest -m haproxy or prometheus or redis ").split()
    marked = {
        str(path.relative_to(SOURCE))
        for path in (SOURCE / "tests").rglob("test_*.py")
        if re.search(r"\bmark\.(haproxy|prometheus|redis)\b", path.read_text()) and path != Path(__file__).resolve()
    }
    assert len(marked) >= 3
    assert marked <= set(asked)


def test_a_machine_that_has_all_of_it_installs_nothing(project: Path) -> None:
    _, calls, _ = run(project)
    for name in (
        *calls[1].removeprefix(INSTALL).split(),
        "python3",
        "java",
        "mvn",
    ):  # most packages are called as their program
        answer(project.parent / "bin" / name, "exit 0")
    status, again, said = run(project)
    assert status == 0, said
    assert not any(call.startswith("apt-get") for call in again[len(calls) :])


def test_a_failure_ends_it_and_is_named(project: Path) -> None:
    answer(project / ".venv/bin/python", "exit 1")
    status, calls, said = run(project)
    assert status == 1
    assert calls[-1] == "make test"
    assert "failed: test_with_debian_packages" in said
