"""Choose one of the two stacks for a machine, and its Python, by glibc and headers, which uv does not check.

`environment/start stack` prints the stack that this machine does not get by default, for environment/other_stack.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from typing import NamedTuple, Sequence

from environment import uv

PYTHONS = ">=3.11,<3.14"  # as in pyproject.toml


class Platform(NamedTuple):
    """The properties of a machine that decide which wheels load."""

    name: str
    glibc: str  # "" without glibc

    def __str__(self) -> str:
        if self.name.startswith("linux"):
            return f"{self.name} {'with glibc ' + self.glibc if self.glibc else 'without glibc'}"
        return self.name


class Stack(NamedTuple):
    """A set of versions that work together; pyproject.toml lists them."""

    name: str
    tfx: str
    pythons: tuple[str, ...]
    platforms: tuple[Platform, ...]  # platforms of its wheels, each with the oldest glibc
    debian: str  # a Debian release whose Python and glibc fit

    def fits(self, here: Platform) -> bool:
        """Return whether its wheels load on a machine."""
        return any(here.name == name and _numbers(here.glibc) >= _numbers(oldest) for name, oldest in self.platforms)

    def lacks(self, here: Platform) -> str:
        """Describe what a machine lacks for this stack: the platform, or else the Python."""
        if self.fits(here):
            return f"the {self.name} stack needs CPython {' or '.join(self.pythons)}, and none was found"
        places = " or ".join(f"{place} or newer" if place.glibc else place.name for place in self.platforms)
        return f"the {self.name} stack needs {places}, and this is {here}"


STACKS = (  # the preferred one first
    Stack(
        "current", "1.21", ("3.12", "3.13"), (Platform("linux-x86_64", "2.39"), Platform("darwin-arm64", "")), "trixie"
    ),
    Stack("portable", "1.16", ("3.11",), (Platform("linux-x86_64", "2.17"),), "bookworm"),
)


class Python(NamedTuple):
    """The properties of an interpreter, reported by itself."""

    executable: str  # for a virtual environment: the interpreter that made it, because ours may be recreated
    version: str
    plain: bool  # CPython and not free-threaded, which the wheels are built for
    include: str  # the folder of Python.h, for packages that are compiled here
    headers: bool  # whether Python.h exists

    def __str__(self) -> str:
        return f"{self.executable} ({self.version}{'' if self.plain else ', free-threaded or not CPython'})"


class Choice(NamedTuple):
    """A stack, its Python, and why it was chosen."""

    stack: Stack
    python: Python
    why: str


class NoStackError(Exception):
    """Neither stack fits this machine, or the requested Python. The message says why and what to do."""


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part]


def this_platform() -> Platform:
    """Return this machine's platform."""
    library, version = platform.libc_ver()
    return Platform(f"{sys.platform}-{platform.machine()}", version if library == "glibc" else "")


_PROBE = """
import json, os, platform, sys, sysconfig
include = sysconfig.get_paths()["include"]
plain = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")
print(json.dumps([getattr(sys, "_base_executable", "") or sys.executable, platform.python_version(), plain, include,
    os.path.exists(os.path.join(include, "Python.h"))]))
"""


def probe(command: str) -> Python | str:
    """Run an interpreter and return its properties; return the error if it does not run."""
    try:
        done = subprocess.run([command, "-I", "-c", _PROBE], capture_output=True, text=True, timeout=30, check=True)
        return Python(*json.loads(done.stdout))
    except subprocess.CalledProcessError as error:
        return f"{command}: {(error.stderr.strip() or str(error)).splitlines()[0]}"
    except (OSError, subprocess.TimeoutExpired, ValueError, TypeError) as error:
        return f"{command}: {error}"


def installed(installer: str | None) -> list[Python]:
    """Return the interpreters that uv finds and that run, newest version first, then in the order of PATH.

    Without uv, only the current interpreter is known.

    Args:
        installer: uv's path, or None.

    Returns:
        The interpreters.
    """
    paths = [sys.executable]
    if installer:
        listing = [installer, "python", "list", "--only-installed", "--output-format", "json", PYTHONS]
        # uv warns at length about commands on PATH that do not start, such as pyenv's.
        done = subprocess.run(listing, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        paths = [entry["path"] for entry in json.loads(done.stdout)]
    return [answer for answer in map(probe, paths) if isinstance(answer, Python)]


def best(stack: Stack, here: Platform, pythons: Sequence[Python]) -> Python | None:
    """Return the best interpreter for a stack on a machine, or None; interpreters without headers come last."""
    fitting = [python for python in pythons if python.plain and python.version.rpartition(".")[0] in stack.pythons]
    return max(fitting, key=lambda python: python.headers, default=None) if stack.fits(here) else None


def choose(here: Platform, pythons: Sequence[Python], asked: str = "") -> Choice:
    """Choose the first of STACKS that fits the machine and one of the interpreters.

    Args:
        here: the machine.
        pythons: the interpreters to choose from, the preferred one first.
        asked: the value of PYTHON if it names the only one of them.

    Returns:
        The choice.

    Raises:
        NoStackError: No interpreter fits a stack.
    """
    lacks: list[str] = []
    for stack in STACKS:
        python = best(stack, here, pythons)
        if python:
            why = f"PYTHON={asked} asks for Python {python.version}" if asked else "; ".join(lacks)
            return Choice(stack, python, why or f"Python {python.version} on {here}")
        lacks.append(stack.lacks(here))
    found = ", ".join(map(str, pythons)) or f"no Python {PYTHONS}"
    raise NoStackError(
        f"No stack fits {'PYTHON=' + asked if asked else 'this machine'}: {'; '.join(lacks)}. Received: {found}. "
        + ("Leave PYTHON out and let set-up choose." if asked else "Install such a Python, or name one with PYTHON=.")
    )


def decide(installer: str | None, asked: str) -> Choice:
    """Choose stack and Python for this machine.

    Args:
        installer: uv's path, or None.
        asked: the value of PYTHON, a command's name or path; empty for an automatic choice.

    Returns:
        The choice.

    Raises:
        NoStackError: No stack fits.
    """
    if not asked:
        return choose(this_platform(), installed(installer))
    command = shutil.which(asked)
    answer = probe(command) if command else "no such command"
    if isinstance(answer, str):
        raise NoStackError(
            f"PYTHON={asked} does not run. Expected: the name or path of a Python {PYTHONS}. Received: {answer}. "
            "Correct PYTHON, or leave it out and let set-up choose."
        )
    return choose(this_platform(), [answer], asked)


def main() -> int:
    """Print the other stack, its Debian release, and a Python here that fits it, or `-`."""
    try:
        installer = uv.find() or uv.fetch()
        mine = decide(installer, os.environ.get("PYTHON", "")).stack
    except (NoStackError, uv.FetchError) as error:
        print(error, file=sys.stderr)
        return 2
    (stack,) = (stack for stack in STACKS if stack != mine)
    python = best(stack, this_platform(), installed(installer))
    print(stack.name, stack.debian, python.executable if python else "-")
    return 0


if __name__ == "__main__":
    sys.exit(main())
