"""Report which stack this machine gets and why, and what is missing, with the fix: `make doctor`.

Exit status 0: everything that set-up and runs need is there; tools that only tests need do not count. 2: something is
missing.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from environment import browser, stack, uv

VENV = Path(".venv")
COMPILERS = ("c++", "g++", "clang++")
CLUSTER_TOOLS = ("java", "mvn")  # for `make flink-up` and `make test-engine`
# GB. A fresh .venv and the package cache took 7 together; a run of the taxi task adds less than 1.
SPACE_FOR_SETUP, SPACE_FOR_RUNS = 8, 1

# The command that installs each thing, by package manager. {v}: the Python version, such as 3.13.
FIXES = {
    "apt-get": {
        "python": "sudo apt-get install python{v} python{v}-dev",
        "headers": "sudo apt-get install python{v}-dev",
        "venv": "sudo apt-get install python3-venv",
        "compiler": "sudo apt-get install g++",
        "browser": "sudo apt-get install chromium",
        "npm": "sudo apt-get install nodejs npm",
        "cluster": "sudo apt-get install default-jre-headless maven",
    },
    "dnf": {
        "python": "sudo dnf install python{v} python{v}-devel",
        "headers": "sudo dnf install python{v}-devel",
        "compiler": "sudo dnf install gcc-c++",
        "browser": "sudo dnf install chromium",
        "npm": "sudo dnf install nodejs npm",
        "cluster": "sudo dnf install java-17-openjdk-headless maven",
    },
    "brew": {
        "python": "brew install python@{v}",
        "compiler": "xcode-select --install",
        "browser": "brew install --cask google-chrome; "
        "export CHROMIUM='/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'",
        "npm": "brew install node",
        "cluster": "brew install openjdk@17 maven",
    },
    "": {
        "python": "install CPython {v} with its headers",
        "headers": "install the development headers of Python {v}",
        "venv": f"put uv {uv.VERSION} or newer on PATH",
        "compiler": "install a C++ compiler, or name one: export CXX=/path/to/compiler",
        "browser": "install Chromium or Chrome, or name one: export CHROMIUM=/path/to/browser",
        "npm": "install Node.js 18.17 or newer with npm",
        "cluster": "install Java 17 and Maven",
    },
}


class Machine(NamedTuple):
    """The parts of a machine that set-up needs, each found or an error."""

    uv: str | uv.FetchError
    choice: stack.Choice | stack.NoStackError
    compiler: str | None
    free_gb: float
    browser: str | None
    npm: str | None
    ready: str  # version and path of the Python of a complete .venv, otherwise ""
    packager: str = ""  # a key of FIXES
    no_cluster: tuple[str, ...] = ()  # the missing ones of CLUSTER_TOOLS

    def fix(self, thing: str, version: str = "") -> str:
        """Return the command that installs a thing here; `version` is Python's, such as 3.13."""
        return " Fix: " + FIXES[self.packager].get(thing, FIXES[""][thing]).format(v=version)


def inspect(asked: str) -> Machine:
    """Inspect this machine, from the project's folder; fetch uv if it is missing."""
    installer: str | uv.FetchError
    choice: stack.Choice | stack.NoStackError
    try:
        installer = uv.find() or uv.fetch()
    except uv.FetchError as error:
        installer = error
    try:
        choice = stack.decide(installer if isinstance(installer, str) else None, asked)
    except stack.NoStackError as error:
        choice = error
    named = os.environ.get("CXX", "").split()[:1]
    compiler = next(filter(None, map(shutil.which, named or COMPILERS)), None)
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    lacking = tuple(tool for tool in CLUSTER_TOOLS if not shutil.which(tool))
    npm = shutil.which("npm")
    return Machine(installer, choice, compiler, free, browser.find(), npm, ready(), packager(), lacking)


def ready() -> str:
    """Return version and path of the Python of `.venv`, "" if it is missing or incomplete."""
    stamps = VENV.glob(".synced-*") if (VENV / "bin" / "python").exists() else iter(())
    return next((stamp.read_text().strip() for stamp in stamps), "")


def packager() -> str:
    """Return this machine's package manager, a key of FIXES."""
    return next((name for name in FIXES if name and shutil.which(name)), "")


def missing(machine: Machine) -> list[str]:
    """Describe each missing thing that set-up or a run needs: what was expected, what was found, and the fix."""
    choice, lines = machine.choice, []
    if isinstance(machine.uv, uv.FetchError):  # Debian splits off ensurepip, without which nothing can be fetched
        lines.append(str(machine.uv) + ("" if importlib.util.find_spec("ensurepip") else machine.fix("venv")))
    if isinstance(choice, stack.NoStackError):
        lines.append(str(choice))
        for version in [each.pythons[-1] for each in stack.STACKS if each.fits(stack.this_platform())][:1]:
            lines[-1] += f"{machine.fix('python', version)}, or environment/start uv python install {version}"
    elif not choice.python.headers:
        fix = machine.fix("headers", choice.python.version.rpartition(".")[0])
        lines.append(f"Python headers: expected Python.h in {choice.python.include}, which has none.{fix}")
    if not machine.compiler:
        expected = f"{', '.join(COMPILERS)} or $CXX on PATH"
        lines.append(f"a C++ compiler: expected {expected}, found none.{machine.fix('compiler')}")
    needed = SPACE_FOR_RUNS if machine.ready else SPACE_FOR_SETUP
    if machine.free_gb < needed:
        found = f"expected {needed} GB free in this folder, found {machine.free_gb:.1f}"
        lines.append(f"disk space: {found}. Fix: free disk space, or clone onto a larger disk")
    return lines


def no_browser(packager: str) -> str:
    """Describe the missing browser, which tests of pages need, and the fix."""
    return f"a browser: expected {browser.EXPECTED}, found none. Fix: {FIXES[packager]['browser']}"


def no_npm(packager: str) -> str:
    """Describe the missing npm, which `make clients` and its tests need, and the fix."""
    return f"Node.js: expected npm on PATH, found none. Fix: {FIXES[packager]['npm']}"


def report(machine: Machine) -> tuple[list[str], int]:
    """Return the report's lines and its exit status."""
    lines = []
    if isinstance(machine.choice, stack.Choice):
        chosen, python, why = machine.choice
        lines = [
            f"stack     {chosen.name} (TFX {chosen.tfx}): {why}",
            f"python    {python.version}, {python.executable}",
        ]
    lines += [
        f"platform  {stack.this_platform()}",
        f"compiler  {machine.compiler or 'none'}",
        f"uv        {machine.uv if isinstance(machine.uv, str) else 'none'}",
        f"browser   {machine.browser or 'none; only tests need one'}",
        f"npm       {machine.npm or 'none; only `make clients` and its tests need it'}",
        f"disk      {machine.free_gb:.0f} GB free",
        f"set-up    {'done, .venv runs ' + machine.ready if machine.ready else 'not done; make setup, or any target'}",
    ]
    if not machine.browser:
        lines.append(f"FOR TESTS {no_browser(machine.packager)}")
    if not machine.npm:
        lines.append(f"FOR TESTS {no_npm(machine.packager)}")
    if machine.no_cluster:
        found = ", ".join(machine.no_cluster)
        expected = f"{' and '.join(CLUSTER_TOOLS)} on PATH, for make flink-up and make test-engine"
        lines.append(f"FOR TESTS a Flink cluster: expected {expected}, found no {found}.{machine.fix('cluster')}")
    lacks = missing(machine)
    return lines + [f"MISSING   {line}" for line in lacks], 2 if lacks else 0


def main() -> int:
    """Print the report and return its exit status."""
    lines, status = report(inspect(os.environ.get("PYTHON", "")))
    print("\n".join(lines))
    return status


if __name__ == "__main__":
    sys.exit(main())
