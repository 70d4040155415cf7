import subprocess

import pytest

from environment import doctor, stack, uv
from environment.doctor import missing, report
from environment.stack import NoStackError, Platform, choose
from tests.environment.machines import DEBIAN_12, DEBIAN_13, MAC, machine, python


@pytest.fixture(autouse=True)
def debian_13(monkeypatch):
    monkeypatch.setattr(stack, "this_platform", lambda: DEBIAN_13)


def test_a_machine_that_lacks_nothing_gets_nine_lines_and_status_0():
    assert report(machine()) == (
        [
            "stack     current (TFX 1.21): Python 3.13.5 on linux-x86_64 with glibc 2.41",
            "python    3.13.5, /usr/bin/python3.13",
            "platform  linux-x86_64 with glibc 2.41",
            "compiler  /usr/bin/c++",
            "uv        .uv/bin/uv",
            "browser   /usr/bin/chromium",
            "npm       /usr/bin/npm",
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
            {"choice": choose(DEBIAN_13, [python("3.13.5", headers=False)])},
            "Python headers: expected Python.h in /usr/include/python3.13, which has none. "
            "Fix: sudo apt-get install python3.13-dev",
        ),
        (
            {"choice": choose(DEBIAN_12, [python("3.11.9", headers=False)]), "packager": "dnf"},
            "Python headers: expected Python.h in /usr/include/python3.11, which has none. "
            "Fix: sudo dnf install python3.11-devel",
        ),
        (
            {"free_gb": 2.5},
            "disk space: expected 8 GB free in this folder, found 2.5. Fix: free disk space, or clone onto a larger "
            "disk",
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


def test_a_finished_set_up_needs_little_space():
    assert missing(machine(free_gb=2.5, ready="3.13.5 /usr/bin/python3.13")) == []


@pytest.mark.parametrize(
    ("packager", "fix"),
    [("apt-get", "sudo apt-get install python3-venv"), ("dnf", "put uv 0.13.8 or newer on PATH")],
)
def test_a_python_without_ensurepip_cannot_fetch_uv(packager, fix, monkeypatch):
    without = machine(uv=uv.FetchError("uv: not fetched."), packager=packager)
    assert missing(without) == ["uv: not fetched."]
    monkeypatch.setattr(doctor.importlib.util, "find_spec", {"ensurepip": None}.get)
    assert missing(without) == [f"uv: not fetched. Fix: {fix}"]
    assert "uv        none" in report(without)[0]


def test_npm_is_for_clients_and_tests_only():
    lines, status = report(machine(npm=None))
    assert "npm       none; only `make clients` and its tests need it" in lines
    fix = "Node.js: expected npm on PATH, found none. Fix: sudo apt-get install nodejs npm"
    assert (lines[-1], status) == (f"FOR TESTS {fix}", 0)


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


@pytest.mark.parametrize(
    ("platform", "packager", "fix"),
    [
        (
            DEBIAN_12,
            "apt-get",
            " Fix: sudo apt-get install python3.11 python3.11-dev, or environment/start uv python install 3.11",
        ),
        (MAC, "brew", " Fix: brew install python@3.13, or environment/start uv python install 3.13"),
        (Platform("linux-aarch64", "2.41"), "apt-get", ""),
    ],
)
def test_no_stack_at_all_is_missing_too(platform, packager, fix, monkeypatch):
    monkeypatch.setattr(stack, "this_platform", lambda: platform)
    with pytest.raises(NoStackError) as refusal:
        choose(platform, [])
    lines, status = report(machine(choice=refusal.value, packager=packager))
    assert (status, lines[-1]) == (2, f"MISSING   {refusal.value}{fix}")


@pytest.mark.slow
@pytest.mark.parametrize(("compiler", "status"), [("/nowhere/c++", 2), ("", 0)])
def test_the_command_ends_with_that_status(compiler, status, monkeypatch):
    monkeypatch.setenv("CXX", compiler)
    done = subprocess.run(["environment/start", "doctor"], capture_output=True, text=True, check=False)
    assert (done.returncode, "MISSING   a C++ compiler" in done.stdout) == (status, status == 2)


def test_a_cluster_is_for_tests_only():
    without = machine(no_cluster=("mvn",))
    lines, status = report(without)
    assert lines[-1] == (
        "FOR TESTS a Flink cluster: expected java and mvn on PATH, for make flink-up and make test-engine, found no "
        "mvn. Fix: sudo apt-get install default-jre-headless maven"
    )
    assert (status, missing(without)) == (0, [])
