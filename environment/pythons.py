"""The Python interpreters of this machine, as they speak for themselves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import NamedTuple, Sequence, Tuple

Version = Tuple[int, ...]  # (3, 11) or (3, 11, 7)


class Python(NamedTuple):
    """What an interpreter said of itself when it was run."""

    executable: str
    version: Version
    implementation: str
    free_threaded: bool
    platform: str
    machine: str
    glibc: Version  # () where there is none
    ensurepip: bool  # `python -m venv` works; Debian splits it off
    headers: bool  # Python.h is there, for packages that are compiled here
    include: str  # where Python.h is, or should be


def dotted(version: Sequence[int]) -> str:
    """Writes (3, 11) as `3.11`."""
    return ".".join(str(part) for part in version)


_PROBE = """
import importlib.util, json, os, platform, sys, sysconfig
try:
    libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
except (AttributeError, OSError, ValueError):
    libc = ""
include = sysconfig.get_paths()["include"]
print(json.dumps({
    "executable": getattr(sys, "_base_executable", "") or sys.executable,
    "version": sys.version_info[:3],
    "implementation": sys.implementation.name,
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "platform": sys.platform,
    "machine": platform.machine(),
    "glibc": [int(part) for part in libc.split()[-1].split(".")[:2]] if libc.startswith("glibc") else [],
    "ensurepip": importlib.util.find_spec("ensurepip") is not None,
    "headers": os.path.exists(os.path.join(include, "Python.h")),
    "include": include,
}))
"""


def probe(command: str) -> Python | str:
    """Runs an interpreter and asks what it is; returns why not where it does not run.

    Being on PATH is no proof: pyenv puts a shim there for every version that any project of its owner uses.
    A virtual environment answers with the interpreter that it was made from, since ours may be the one to be replaced.
    """
    try:
        done = subprocess.run(
            [command, "-I", "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        said = json.loads(done.stdout)
        return Python(**dict(said, version=tuple(said["version"]), glibc=tuple(said["glibc"])))
    except subprocess.CalledProcessError as error:
        first = next((line for line in error.stderr.splitlines() if line.strip()), f"exit status {error.returncode}")
        return f"{command}: {first.strip()}"
    except (OSError, subprocess.TimeoutExpired, ValueError, TypeError) as error:
        return f"{command}: {error}"


def find(names: Sequence[str]) -> list[Python]:
    """Runs whatever PATH has under these names and returns each interpreter that answers once, in the names' order."""
    found: dict[str, Python] = {}
    for name in names:
        for folder in os.get_exec_path():
            command = shutil.which(name, path=folder)
            answer = probe(command) if command else ""
            if isinstance(answer, Python):
                found.setdefault(os.path.realpath(answer.executable), answer)
    return list(found.values())
