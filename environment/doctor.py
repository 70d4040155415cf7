"""`make doctor`: which stack this machine gets and why, and what it lacks, with the fix.

Exit status 0: nothing is missing that set-up and runs need; what only tests need is said and does not count. 2:
something is missing.
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
# GB. A fresh .venv and the package cache took 7 together; a run of the taxi task adds less than 1.
SPACE_FOR_SETUP, SPACE_FOR_RUNS = 8, 1

# The line that brings each thing, by package manager. {v}: the Python version, as in 3.13.
FIXES = {
    "apt-get": {
        "python": "sudo apt-get install python{v} python{v}-dev",
        "headers": "sudo apt-get install python{v}-dev",
        "venv": "sudo apt-get install python3-venv",
        "compiler": "sudo apt-get install g++",
        "browser": "sudo apt-get install chromium",
    },
    "dnf": {
        "python": "sudo dnf install python{v} python{v}-devel",
        "headers": "sudo dnf install python{v}-devel",
        "compiler": "sudo dnf install gcc-c++",
        "browser": "sudo dnf install chromium",
    },
    "brew": {
        "python": "brew install python@{v}",
        "compiler": "xcode-select --install",
        "browser": "brew install --cask google-chrome; "
        "export CHROMIUM='/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'",
    },
    "": {
        "python": "install CPython {v} with its headers",
        "headers": "install the development headers of Python {v}",
        "venv": f"put uv {uv.VERSION} or newer on PATH",
        "compiler": "install a C++ compiler, or name one: export CXX=/path/to/compiler",
        "browser": "install Chromium or Chrome, or name one: export CHROMIUM=/path/to/browser",
    },
}


class Machine(NamedTuple):
    """What the report is drawn from."""

    platform: stack.Platform
    choice: stack.Choice | None
    no_choice: str  # why there is no choice
    uv: str | None
    no_uv: str  # why there is no uv
    compiler: str | None
    free_gb: float
    browser: str | None
    ready: str  # the Python that a complete .venv was made with, "" where there is none
    packager: str  # a key of FIXES

    def fix(self, thing: str, version: str = "") -> str:
        """Returns the line that brings a thing here; `version` is Python's, as in 3.13."""
        return FIXES[self.packager].get(thing, FIXES[""][thing]).format(v=version)


def inspect(asked: str) -> Machine:
    """Looks at the machine it runs on, from the project's folder; fetches uv where there is none."""
    choice, no_choice, installer, no_uv = None, "", uv.find(), ""
    try:
        installer = installer or uv.fetch()
    except uv.FetchError as error:
        no_uv = str(error)
    try:
        choice = stack.decide(installer, asked)
    except stack.NoStackError as error:
        no_choice = str(error)
    named = os.environ.get("CXX", "").split()[:1]
    return Machine(
        platform=stack.this_platform(),
        choice=choice,
        no_choice=no_choice,
        uv=installer,
        no_uv=no_uv,
        compiler=next(filter(None, map(shutil.which, named or COMPILERS)), None),
        free_gb=shutil.disk_usage(Path.cwd()).free / 1e9,
        browser=browser.find(),
        ready=ready(),
        packager=packager(),
    )


def ready() -> str:
    """Returns version and path of the Python that `.venv` was made with, "" where it is missing or not complete."""
    if not (VENV / "bin" / "python").exists():
        return ""
    return next((stamp.read_text().strip() for stamp in VENV.glob(".synced-*")), "")


def packager() -> str:
    """Returns the package manager whose lines in FIXES fit this machine."""
    return next((name for name in FIXES if name and shutil.which(name)), "")


def missing(machine: Machine) -> list[str]:
    """Says of each thing that set-up or a run would miss what was expected, what was found, and the fix."""
    lines = []
    if machine.no_uv:
        fix = "" if importlib.util.find_spec("ensurepip") else f" Fix: {machine.fix('venv')}"  # Debian splits it off
        lines.append(machine.no_uv + fix)
    if machine.choice is None:
        version = next((each.pythons[-1] for each in stack.STACKS if each.fits(machine.platform)), "")
        fix = f" Fix: {machine.fix('python', version)}, or environment/start uv python install {version}"
        lines.append(machine.no_choice + (fix if version else ""))
    elif not machine.choice.python.headers:
        python = machine.choice.python
        fix = machine.fix("headers", python.version.rpartition(".")[0])
        lines.append(f"Python headers: expected Python.h in {python.include}, which has none. Fix: {fix}")
    if not machine.compiler:
        expected = f"{', '.join(COMPILERS)} or $CXX on PATH"
        lines.append(f"a C++ compiler: expected {expected}, found none. Fix: {machine.fix('compiler')}")
    needed = SPACE_FOR_RUNS if machine.ready else SPACE_FOR_SETUP
    if machine.free_gb < needed:
        found = f"expected {needed} GB free here, found {machine.free_gb:.1f}"
        lines.append(f"disk space: {found}. Fix: make room, or clone onto a larger disk")
    return lines


def no_browser(packager: str) -> str:
    """Says what tests of pages miss where there is no browser, and the fix."""
    return f"a browser: expected {browser.EXPECTED}, found none. Fix: {FIXES[packager]['browser']}"


def report(machine: Machine) -> tuple[list[str], int]:
    """Draws up the report and its exit status."""
    lines = []
    if machine.choice:
        chosen, python, why = machine.choice
        lines = [
            f"stack     {chosen.name} (TFX {chosen.tfx}): {why}",
            f"python    {python.version}, {python.executable}",
        ]
    lines += [
        f"platform  {machine.platform}",
        f"compiler  {machine.compiler or 'none'}",
        f"uv        {machine.uv or 'none'}",
        f"browser   {machine.browser or 'none; only tests need one'}",
        f"disk      {machine.free_gb:.0f} GB free",
        f"set-up    {'done, .venv runs ' + machine.ready if machine.ready else 'not done; make setup, or any target'}",
    ]
    if not machine.browser:
        lines.append(f"FOR TESTS {no_browser(machine.packager)}")
    lacks = missing(machine)
    return lines + [f"MISSING   {line}" for line in lacks], 2 if lacks else 0


def main() -> int:
    """Prints the report and returns its exit status."""
    lines, status = report(inspect(os.environ.get("PYTHON", "")))
    print("\n".join(lines))
    return status


if __name__ == "__main__":
    sys.exit(main())
