"""Which stack this machine gets, and why. Standard library only; runs on any Python 3.8 or later.

Two stacks are locked: the current one (Python 3.12 or 3.13) and the portable one (Python 3.11). The current one needs
glibc 2.39 on Linux, since ml-metadata and tensorflow-data-validation ship no older wheels, or macOS on arm64.

    python3 environment/stack.py          prints the Python to use; exit status 2 when there is none
    python3 environment/stack.py stack    prints its name, current or portable
    python3 environment/stack.py doctor   says which stack, why, and what is missing with the fix
"""

import os
import platform
import shutil
import subprocess
import sys
from typing import Dict, List, NamedTuple, Optional, Tuple

CURRENT, PORTABLE = "current", "portable"
PYTHONS: Dict[str, Tuple[Tuple[int, int], ...]] = {CURRENT: ((3, 13), (3, 12)), PORTABLE: ((3, 11),)}
VERSIONS = {CURRENT: "TFX 1.21, TensorFlow 2.21", PORTABLE: "TFX 1.16, TensorFlow 2.16"}
GLIBC = (2, 39)  # of the current stack's wheels
FREE_GIB = 6  # the packages take 4

# Asked of a candidate by running it: a file that is there may be a shim for a version that is not.
_QUESTION = (
    "import sys, sysconfig, os, importlib.util as u;"
    "print('%d.%d' % sys.version_info[:2], bool(u.find_spec('venv') and u.find_spec('ensurepip')),"
    " os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h')), sys.executable)"
)


class Python(NamedTuple):
    """An interpreter that runs."""

    path: str
    version: Tuple[int, int]
    has_venv: bool
    has_headers: bool


class Machine(NamedTuple):
    """What the choice depends on."""

    system: str  # platform.system()
    processor: str  # platform.machine()
    glibc: Optional[Tuple[int, int]]  # None where there is none
    pythons: Tuple[Python, ...]


class Choice(NamedTuple):
    """The outcome; `python` is None when there is no way."""

    stack: Optional[str]
    python: Optional[Python]
    why: str


def choose(machine: Machine, wanted: str = "") -> Choice:
    """Picks the stack: what is wanted if the machine can have it, else the current one, else the portable one.

    Args:
        machine: the facts.
        wanted: path or name of an interpreter (`PYTHON=`), found already and the first of machine.pythons; or empty.
    """
    if wanted:
        return _as_wanted(machine, wanted)
    obstacle = _obstacle(machine, CURRENT)
    for stack in (CURRENT, PORTABLE):
        found = [p for version in PYTHONS[stack] for p in machine.pythons if p.version == version]
        if found and _obstacle(machine, stack) is None:
            return Choice(stack, found[0], _reason(stack, obstacle))
    if obstacle is None:
        return Choice(None, None, "expected Python 3.13, 3.12 or 3.11, received " + _listed(machine))
    return Choice(None, None, "{}; the portable stack needs Python 3.11, received {}".format(obstacle, _listed(machine)))


def _as_wanted(machine: Machine, wanted: str) -> Choice:
    if not machine.pythons:
        return Choice(None, None, "PYTHON={}: it does not run; name one that does, or leave PYTHON out".format(wanted))
    python = machine.pythons[0]
    for stack, versions in PYTHONS.items():
        if python.version in versions:
            obstacle = _obstacle(machine, stack)
            if obstacle:
                return Choice(None, None, "PYTHON={}: {}; leave PYTHON out".format(wanted, obstacle))
            return Choice(stack, python, "PYTHON={} asks for it".format(wanted))
    received = "{}.{}".format(*python.version)
    return Choice(None, None, "PYTHON={}: expected Python 3.11, 3.12 or 3.13, received {}".format(wanted, received))


def _obstacle(machine: Machine, stack: str) -> Optional[str]:
    """Why the machine cannot have a stack; None when it can."""
    if (machine.system, machine.processor) == ("Darwin", "arm64"):
        return None if stack == CURRENT else "the portable stack has no macOS wheels"
    if (machine.system, machine.processor) != ("Linux", "x86_64"):
        return "no wheels for {} on {}: expected Linux on x86_64 or macOS on arm64".format(
            machine.system, machine.processor
        )
    if machine.glibc is None:
        return "no wheels for a Linux without glibc"
    if stack == CURRENT and machine.glibc < GLIBC:
        return "the current stack needs glibc {}.{}, this machine has {}.{}".format(*(GLIBC + machine.glibc))
    return None


def _reason(stack: str, obstacle: Optional[str]) -> str:
    if stack == CURRENT:
        return "this machine can have it"
    return obstacle or "no Python 3.12 or 3.13 found"


def _listed(machine: Machine) -> str:
    return ", ".join("{}.{}".format(*p.version) for p in machine.pythons) or "none"


def look(wanted: str = "") -> Machine:
    """Finds out about this machine."""
    names = [wanted] if wanted else ["python{}.{}".format(*v) for versions in PYTHONS.values() for v in versions]
    found = [_ask(path) for name in [*names, *([] if wanted else ["python3", sys.executable])] for path in _where(name)]
    name, glibc = platform.libc_ver()
    return Machine(
        system=platform.system(),
        processor=platform.machine(),
        glibc=tuple(int(part) for part in glibc.split(".")[:2]) if name == "glibc" else None,  # type: ignore[arg-type]
        pythons=tuple(p for p in found if p is not None),
    )


def _where(name: str) -> List[str]:
    """Every file of that name on PATH, in order: the first may be a shim that does not run."""
    if os.path.dirname(name):
        return [name]
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return [path for path in (shutil.which(name, path=folder) for folder in folders if folder) if path]


def _ask(path: str) -> Optional[Python]:
    try:
        done = subprocess.run([path, "-c", _QUESTION], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
        version, venv, headers, executable = done.stdout.decode().split(None, 3)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    major, minor = version.split(".")
    return Python(executable.strip(), (int(major), int(minor)), venv == "True", headers == "True")


def missing(machine: Machine, choice: Choice, has_compiler: bool, has_uv: bool, free_gib: float) -> List[str]:
    """What is missing for the set-up, one line each, with the fix."""
    lines = []
    version = "{}.{}".format(*choice.python.version) if choice.python else "3.11"
    mac = machine.system == "Darwin"
    if choice.python is None:
        fix = "brew install python@3.13" if mac else "install Python 3.11, for example with pyenv or uv python install 3.11"
        lines.append("Python: {}: {}".format(choice.why, fix))
    else:
        if not choice.python.has_venv and not has_uv:
            lines.append("venv: Python cannot make environments: apt install python{}-venv, or install uv".format(version))
        if not choice.python.has_headers:
            lines.append("headers: no Python.h, and pyfarmhash is built from source: apt install python{0}-dev, or dnf "
                         "install python{0}-devel".format(version))
    if not has_compiler:
        fix = "xcode-select --install" if mac else "apt install g++, or dnf install gcc-c++"
        lines.append("compiler: no C++ compiler, and pyfarmhash is built from source: {}".format(fix))
    if free_gib < FREE_GIB:
        lines.append("disk: {:.1f} GiB free here, {} needed: free some".format(free_gib, FREE_GIB))
    return lines


def doctor(machine: Machine, choice: Choice) -> int:
    """Prints the diagnosis and returns the exit status: 0, or 2 when something is missing."""
    compiler = next((c for c in ("c++", "g++", "clang++") if shutil.which(c)), None)
    uv = shutil.which("uv")
    free = shutil.disk_usage(os.curdir).free / 2**30
    if choice.stack and choice.python:
        print("stack     {} ({}): {}".format(choice.stack, VERSIONS[choice.stack], choice.why))
        print("python    {}.{}  {}".format(*choice.python.version, choice.python.path))
    print("machine   {} on {}{}".format(
        machine.system, machine.processor, ", glibc {}.{}".format(*machine.glibc) if machine.glibc else ""))
    print("compiler  {}".format(compiler or "none"))
    print("uv        {}".format(uv or "none; fetched into .uv when needed"))
    lines = missing(machine, choice, compiler is not None, uv is not None, free)
    for line in lines:
        print("MISSING   {}".format(line))
    print("ready: make run-local" if not lines else "not ready: see MISSING above")
    return 2 if lines else 0


def main(arguments: List[str]) -> int:
    """See the module's docstring."""
    wanted = os.environ.get("PYTHON", "")
    machine = look(wanted)
    choice = choose(machine, wanted)
    if arguments == ["doctor"]:
        return doctor(machine, choice)
    if choice.python is None:
        print("error: no Python for this project: {}; see make doctor".format(choice.why), file=sys.stderr)
        return 2
    print(choice.stack if arguments == ["stack"] else choice.python.path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
