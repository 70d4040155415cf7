"""`make doctor`: which stack this machine gets and why, and what it lacks, with the fix.

Exit status 0: nothing is missing that set-up and runs need; what only tests need is said and does not count. 2:
something is missing.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from environment import browser, stack, uv, venv
from environment.pythons import dotted

COMPILERS = ("c++", "g++", "clang++")
# GB. A fresh .venv and the package cache took 7 together; a run of the taxi task adds less than 1.
SPACE_FOR_SETUP, SPACE_FOR_RUNS = 8, 1

# The line that brings each thing, by package manager. {v}: the Python version, as in 3.13.
FIXES = {
    "apt-get": {
        "python": "sudo apt-get install python{v} python{v}-venv python{v}-dev",
        "venv": "sudo apt-get install python{v}-venv",
        "headers": "sudo apt-get install python{v}-dev",
        "compiler": "sudo apt-get install g++",
        "browser": "sudo apt-get install chromium",
    },
    "dnf": {
        "python": "sudo dnf install python{v} python{v}-devel",
        "venv": "sudo dnf install python{v} python{v}-pip",
        "headers": "sudo dnf install python{v}-devel",
        "compiler": "sudo dnf install gcc-c++",
        "browser": "sudo dnf install chromium",
    },
    "brew": {
        "python": "brew install python@{v}",
        "venv": "brew reinstall python@{v}",
        "headers": "brew reinstall python@{v}",
        "compiler": "xcode-select --install",
        "browser": "brew install --cask google-chrome; "
        "export CHROMIUM='/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'",
    },
    "": {
        "python": "install CPython {v}",
        "venv": "install Python {v} with its venv and ensurepip modules, or put uv on PATH",
        "headers": "install the development headers of Python {v}",
        "compiler": "install a C++ compiler, or name one: export CXX=/path/to/compiler",
        "browser": "install Chromium or Chrome, or name one: export CHROMIUM=/path/to/browser",
    },
}


class Machine(NamedTuple):
    """What the report is drawn from."""

    choice: stack.Choice | None
    refusal: str  # why there is no choice
    compiler: str | None
    uv: str | None
    free_gb: float
    browser: str | None
    ready: str  # the Python that a complete .venv was made with, "" where there is none
    packager: str  # a key of FIXES


def inspect(asked: str) -> Machine:
    """Looks at the machine it runs on, from the project's folder."""
    choice, refusal = None, ""
    try:
        choice = stack.decide(asked)
    except stack.NoStackError as error:
        refusal = str(error)
    named = os.environ.get("CXX", "").split()[:1]
    return Machine(
        choice=choice,
        refusal=refusal,
        compiler=next(filter(None, map(shutil.which, named or COMPILERS)), None),
        uv=uv.find(),
        free_gb=shutil.disk_usage(Path.cwd()).free / 1e9,
        browser=browser.find(),
        ready=venv.ready(),
        packager=packager(),
    )


def packager() -> str:
    """Returns the package manager whose lines in FIXES fit this machine."""
    return next((name for name in FIXES if name and shutil.which(name)), "")


def missing(machine: Machine) -> list[str]:
    """Says of each thing that set-up or a run would miss what was expected, what was found, and the fix."""
    fixes = FIXES[machine.packager]
    if machine.choice is None:
        newest = dotted(stack.STACKS[-1].pythons[0])
        return [f"{machine.refusal} Fix on most machines: {fixes['python'].format(v=newest)}"]
    python = machine.choice.python
    lacks = []
    if not python.headers:
        lacks.append(("headers", f"Python headers: expected Python.h in {python.include}, which has none"))
    if not machine.compiler:
        lacks.append(("compiler", f"a C++ compiler: expected {', '.join(COMPILERS)} or $CXX on PATH, found none"))
    if not machine.uv and not python.ensurepip:
        without = f"{python.executable} has no ensurepip, and no uv {uv.VERSION} or newer is on PATH"
        lacks.append(("venv", f"venv: expected one of two, {without}"))
    lines = [f"{what}. Fix: {fixes[key].format(v=dotted(python.version[:2]))}" for key, what in lacks]
    needed = SPACE_FOR_RUNS if machine.ready else SPACE_FOR_SETUP
    if machine.free_gb < needed:
        lines.append(
            f"disk space: expected {needed} GB free here, found {machine.free_gb:.1f}. "
            "Fix: make room, or clone onto a larger disk"
        )
    return lines


def no_browser(packager: str) -> str:
    """Says what tests of pages miss where there is no browser, and the fix."""
    return f"a browser: expected {browser.EXPECTED}, found none. Fix: {FIXES[packager]['browser']}"


def report(machine: Machine) -> tuple[list[str], int]:
    """Draws up the report and its exit status."""
    lines = []
    if machine.choice:
        chosen, python, why = machine.choice
        glibc = dotted(python.glibc) if python.glibc else "none"
        lines = [
            f"stack     {chosen.name} (TFX {chosen.tfx}): {why}",
            f"python    {dotted(python.version)}, {python.executable}",
            f"glibc     {glibc}",
        ]
    lines += [
        f"compiler  {machine.compiler or 'none'}",
        f"uv        {machine.uv or f'none; set-up fetches {uv.VERSION} into {uv.PRIVATE}'}",
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
