import subprocess

import pytest

from environment.doctor import missing, report
from environment.stack import NoStackError, choose
from tests.environment.machines import machine, python


def test_a_machine_that_lacks_nothing_gets_eight_lines_and_status_0():
    assert report(machine()) == (
        [
            "stack     current (TFX 1.21): glibc 2.41 is 2.39 or newer, and Python is 3.13.5",
            "python    3.13.5, /usr/bin/python3.13",
            "glibc     2.41",
            "compiler  /usr/bin/c++",
            "uv        none; set-up fetches 0.13.8 into .uv",
            "browser   /usr/bin/chromium",
            "disk      50 GB free",
            "set-up    not done; make setup, or any target",
        ],
        0,
    )


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        (
            {"compiler": None},
            "a C++ compiler: expected c++, g++, clang++ or $CXX on PATH, found none. Fix: sudo apt-get install g++",
        ),
        (
            {"choice": choose([python("3.13.5", headers=False)])},
            "Python headers: expected Python.h in /usr/include/python3.13, which has none. "
            "Fix: sudo apt-get install python3.13-dev",
        ),
        (
            {"choice": choose([python("3.11.9", "2.34", headers=False)]), "packager": "dnf"},
            "Python headers: expected Python.h in /usr/include/python3.11, which has none. "
            "Fix: sudo dnf install python3.11-devel",
        ),
        (
            {"choice": choose([python("3.13.5", ensurepip=False)])},
            "venv: expected one of two, /usr/bin/python3.13 has no ensurepip, and no uv 0.13.8 or newer is on PATH. "
            "Fix: sudo apt-get install python3.13-venv",
        ),
        (
            {"free_gb": 2.5},
            "disk space: expected 8 GB free here, found 2.5. Fix: make room, or clone onto a larger disk",
        ),
        (
            {"packager": "brew", "compiler": None},
            "a C++ compiler: expected c++, g++, clang++ or $CXX on PATH, found none. Fix: xcode-select --install",
        ),
    ],
)
def test_what_is_missing_is_said_with_the_fix_and_status_2(facts, line):
    lines, status = report(machine(**facts))
    assert (lines[-1], status) == (f"MISSING   {line}", 2)


def test_uv_stands_in_for_venv_and_a_finished_set_up_needs_little_space():
    assert missing(machine(choice=choose([python("3.13.5", ensurepip=False)]), uv="/usr/bin/uv")) == []
    assert missing(machine(free_gb=2.5, ready="3.13.5 /usr/bin/python3.13")) == []


@pytest.mark.parametrize(
    ("packager", "fix"),
    [
        ("apt-get", "sudo apt-get install chromium"),
        (
            "brew",
            "brew install --cask google-chrome; "
            "export CHROMIUM='/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'",
        ),
        ("", "install Chromium or Chrome, or name one: export CHROMIUM=/path/to/browser"),
    ],
)
def test_a_browser_is_for_tests_only(packager, fix):
    without = machine(browser=None, packager=packager)
    lines, status = report(without)
    assert "browser   none; only tests need one" in lines
    assert lines[-1] == (
        "FOR TESTS a browser: expected chromium, chromium-browser, google-chrome, google-chrome-stable "
        f"or $CHROMIUM on PATH, found none. Fix: {fix}"
    )
    assert (status, missing(without)) == (0, [])


def test_no_stack_at_all_is_missing_too():
    with pytest.raises(NoStackError) as refusal:
        choose([python("3.9.2", "2.36")])
    lines, status = report(machine(choice=None, refusal=str(refusal.value)))
    assert status == 2
    assert lines[-1].startswith("MISSING   No stack fits this machine. Expected: Python 3.11 on Linux x86_64")
    assert lines[-1].endswith("Fix on most machines: sudo apt-get install python3.11 python3.11-venv python3.11-dev")


@pytest.mark.parametrize(("compiler", "status"), [("/nowhere/c++", 2), ("", 0)])
def test_the_command_ends_with_that_status(compiler, status, monkeypatch):
    monkeypatch.setenv("CXX", compiler)
    done = subprocess.run(["python3", "-m", "environment.doctor"], capture_output=True, text=True, check=False)
    assert (done.returncode, "MISSING   a C++ compiler" in done.stdout) == (status, status == 2)
