"""Which of the two stacks a machine gets, and with which Python.

The only place that knows what a stack asks of a machine. `python3 -m environment.stack` prints the choice.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import NamedTuple, Sequence

from environment import pythons as interpreters
from environment.pythons import Python, Version, dotted


class Stack(NamedTuple):
    """One set of versions that work together; which ones stands in pyproject.toml."""

    name: str
    tfx: str
    pythons: tuple  # of (major, minor), the preferred one first
    glibc: Version  # the oldest that its Linux wheels load on
    macos: bool  # it has wheels for macOS arm64
    debian: str  # a Debian release whose own Python and glibc have it


STACKS = (
    Stack("current", "1.21", ((3, 13), (3, 12)), (2, 39), True, "trixie"),
    Stack("portable", "1.16", ((3, 11),), (2, 17), False, "bookworm"),
)


class Choice(NamedTuple):
    """A stack, the Python to run it on, and why this one."""

    stack: Stack
    python: Python
    why: str


class NoStackError(Exception):
    """This machine, or the Python asked for, can have neither stack; the message says why and what to do."""


def _either(versions: Sequence[Version]) -> str:
    return " or ".join(dotted(version) for version in versions)


def machine_obstacle(stack: Stack, python: Python) -> str | None:
    """Says what about the machine keeps the stack off it, whatever the Python; None where nothing does."""
    if (python.platform, python.machine) == ("darwin", "arm64"):
        return None if stack.macos else "it has no packages for macOS"
    if (python.platform, python.machine) != ("linux", "x86_64"):
        where = "Linux x86_64 or macOS arm64" if stack.macos else "Linux x86_64"
        return f"it needs {where}, and this is {python.platform} {python.machine}"
    if python.glibc < stack.glibc:
        found = f"this machine has {dotted(python.glibc)}" if python.glibc else "this machine has none"
        return f"it needs glibc {dotted(stack.glibc)} or newer, and {found}"
    return None


def python_obstacle(stack: Stack, python: Python) -> str | None:
    """Says what about the interpreter keeps the stack off it; None where nothing does."""
    if python.version[:2] not in stack.pythons:
        return f"it needs Python {_either(stack.pythons)}, and this is {dotted(python.version)}"
    if python.implementation != "cpython" or python.free_threaded:
        return f"it needs plain CPython, and this is {'free-threaded ' * python.free_threaded}{python.implementation}"
    return None


def _best(stack: Stack, pythons: Sequence[Python]) -> Python | None:
    fitting = [p for p in pythons if not machine_obstacle(stack, p) and not python_obstacle(stack, p)]
    # Stable, so PATH decides among equals; an interpreter that can build packages goes before one that cannot.
    return min(fitting, key=lambda p: (stack.pythons.index(p.version[:2]), not p.headers), default=None)


def choose(pythons: Sequence[Python]) -> Choice:
    """Picks the first stack of STACKS that one of the interpreters can have.

    Raises:
        NoStackError: no interpreter can have any.
    """
    passed_over: list[str] = []
    for stack in STACKS:
        python = _best(stack, pythons)
        if python:
            return Choice(stack, python, "; ".join(passed_over) or _fits(stack, python))
        passed_over.append(f"the {stack.name} stack is out: {_missing(stack, pythons)}")
    found = ", ".join(f"{p.executable} ({dotted(p.version)})" for p in pythons) or "no Python that runs"
    raise NoStackError(
        f"No stack fits this machine. Expected: {wanted()}. Received: {found}; {'; '.join(passed_over)}. "
        "Install such a Python, or name one: make PYTHON=/path/to/python."
    )


def _fits(stack: Stack, python: Python) -> str:
    if not python.glibc:
        return f"Python {dotted(python.version)} on macOS arm64 can have it"
    return f"glibc {dotted(python.glibc)} is {dotted(stack.glibc)} or newer, and Python is {dotted(python.version)}"


def _missing(stack: Stack, pythons: Sequence[Python]) -> str:
    for python in pythons:
        obstacle = machine_obstacle(stack, python)
        if obstacle:
            return obstacle
    return f"no Python {_either(stack.pythons)} on PATH that runs"


def wanted() -> str:
    """Says in a few words which machines can have a stack."""
    ways = []
    for stack in STACKS:
        macos = " or on macOS arm64" if stack.macos else ""
        ways.append(f"Python {_either(stack.pythons)} on Linux x86_64 with glibc {dotted(stack.glibc)} or newer{macos}")
    return "; or ".join(reversed(ways))


def insist(asked: str, answer: Python | str) -> Choice:
    """Takes the interpreter that PYTHON asks for, or says why this machine cannot have it.

    Args:
        asked: the value of PYTHON.
        answer: what that interpreter said of itself, or why it does not run.

    Raises:
        NoStackError: it does not run, or no stack fits it here.
    """
    if isinstance(answer, str):
        raise NoStackError(
            f"PYTHON={asked} does not run. Expected: the name or path of a Python {versions()}. Received: {answer}. "
            "Correct PYTHON, or leave it out and let set-up choose."
        )
    for stack in STACKS:
        if not python_obstacle(stack, answer):
            obstacle = machine_obstacle(stack, answer)
            if obstacle:
                raise NoStackError(
                    f"PYTHON={asked} is Python {dotted(answer.version)}, which gets the {stack.name} stack "
                    f"(TFX {stack.tfx}), and this machine cannot have that: {obstacle}. Leave PYTHON out and let "
                    f"set-up choose; as root, `make test-other-stack` tests in a Debian {stack.debian} root."
                )
            return Choice(stack, answer, f"PYTHON={asked} asks for Python {dotted(answer.version)}")
    reasons = "; ".join(f"{stack.name}: {python_obstacle(stack, answer)}" for stack in STACKS)
    raise NoStackError(
        f"PYTHON={asked} has no stack. Expected: a Python {versions()}. Received: {reasons}. "
        "Name such a Python, or leave PYTHON out and let set-up choose."
    )


def versions() -> str:
    """Names every Python version that has a stack, the oldest first: `3.11, 3.12 or 3.13`."""
    every = [dotted(version) for version in sorted(version for stack in STACKS for version in stack.pythons)]
    return ", ".join(every[:-1]) + " or " + every[-1]


def decide(asked: str = "") -> Choice:
    """Picks stack and Python for this machine.

    Args:
        asked: the value of PYTHON, a command's name or path; empty lets the machine decide.

    Raises:
        NoStackError: there is none.
    """
    if not asked:
        return choose(installed())
    command = shutil.which(asked)
    return insist(asked, interpreters.probe(command) if command else "no such command")


def installed() -> list[Python]:
    """Finds the interpreters on PATH that run, by the names that a stack may have."""
    return interpreters.find(
        [f"python{dotted(version)}" for stack in STACKS for version in stack.pythons] + ["python3"]
    )


def other(mine: Stack, pythons: Sequence[Python]) -> tuple[Stack, Python | None]:
    """Returns the stack that `mine` is not, and a Python on this machine that can have it, if there is one."""
    stack = next(stack for stack in STACKS if stack != mine)
    return stack, _best(stack, pythons)


def main() -> int:
    """Prints name and Python of this machine's stack; `--other` also gives the Debian release that has the other."""
    try:
        choice = decide(os.environ.get("PYTHON", ""))
    except NoStackError as error:
        print(error, file=sys.stderr)
        return 2
    if "--other" in sys.argv[1:]:
        stack, python = other(choice.stack, installed())
        print(stack.name, stack.debian, python.executable if python else "-")
    else:
        print(choice.stack.name, choice.python.executable)
    return 0


if __name__ == "__main__":
    sys.exit(main())
