"""The project's `.venv`: made from uv.lock, and whole or made anew.

A stamp in it, `.synced-<PYTHON>`, written last, says that it is complete and for which value of PYTHON. make compares
its age with pyproject.toml and uv.lock, so that an unchanged environment costs nothing. Without a stamp a sync was cut
off, maybe in the middle of a package that uv would take for installed; such a `.venv` is thrown away.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
from pathlib import Path
from typing import Iterator

from environment.pythons import Python, dotted

VENV = Path(".venv")
INPUTS = (Path("pyproject.toml"), Path("uv.lock"))


class SyncError(Exception):
    """The environment is not complete; the message says what to do."""


def _stamps() -> Iterator[Path]:
    return VENV.glob(".synced-*")


def ready() -> str:
    """Returns version and path of the Python that `.venv` was made with, "" where it is missing or not complete."""
    if not (VENV / "bin" / "python").exists():
        return ""
    return next((stamp.read_text().strip() for stamp in _stamps()), "")


def fresh(stamp: Path) -> bool:
    """Says whether `.venv` is whole and the stamp there, no older than what it vouches for."""
    try:
        return bool(ready()) and stamp.stat().st_mtime >= max(path.stat().st_mtime for path in INPUTS)
    except FileNotFoundError:
        return False


def sync(uv: str, python: Python, stamp: Path) -> None:
    """Makes `.venv` hold exactly what uv.lock says, compiled, and writes the stamp.

    Args:
        uv: the installer's path.
        python: the interpreter to make it from; a `.venv` of another one is made anew.
        stamp: the stamp's path, in `.venv`.

    Raises:
        SyncError: the installer failed.
    """
    identity = f"{dotted(python.version)} {python.executable}"
    steps = [["sync", "--locked", "--all-groups", "--compile-bytecode"]]
    if ready() != identity:
        steps.insert(0, ["venv", "--clear", "--quiet", str(VENV)])
    for old in list(_stamps()):
        old.unlink()
    for step in steps:
        _run([uv, *step, *([] if os.isatty(2) else ["--quiet"])], python)
    beside = stamp.with_name(f"new{stamp.name}")
    beside.write_text(identity + "\n")
    beside.replace(stamp)


def _run(command: list[str], python: Python) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "CONDA_PREFIX")}
    environment.update(UV_PROJECT_ENVIRONMENT=str(VENV), UV_PYTHON=python.executable, UV_PYTHON_DOWNLOADS="never")
    environment.setdefault("UV_HTTP_TIMEOUT", "120")
    try:
        subprocess.run(command, check=True, env=environment, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SyncError(
            f"The packages could not be installed. Expected: `{' '.join(command)}` to end with status 0. "
            f"Received: {error}. See the lines above. Where they speak of the network, run again: what was fetched is "
            "kept. Where they speak of a compiler, see `make doctor`. Where they say that the lock is out of date, run "
            "`make lock`."
        ) from error


@contextlib.contextmanager
def turn() -> Iterator[None]:
    """Lets one set-up at a time work in this folder; says so where it has to wait."""
    with INPUTS[0].open() as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("set-up    another one is at work in this folder; waiting for it", flush=True)
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
