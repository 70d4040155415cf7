"""Install into `.venv` what uv.lock says, on the stack that this machine gets: `make setup`.

`environment/start setup STAMP` syncs and writes STAMP, a file in `.venv` whose name holds the value of PYTHON. It is
written last, and means that `.venv` is complete. make compares its age with pyproject.toml and uv.lock, so an unchanged
environment costs nothing. Exit status 0: done. 2: this machine lacks something, or uv failed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator

from environment import doctor

VENV = doctor.VENV
INPUTS = (Path("pyproject.toml"), Path("uv.lock"))


def main(stamp: Path) -> int:
    """Sync `.venv`, unless another set-up did so while this one waited; return the exit status."""
    try:
        with one_set_up():
            return 0 if fresh(stamp) else install(doctor.inspect(os.environ.get("PYTHON", "")), stamp)
    except KeyboardInterrupt:
        print("set-up    interrupted; the next one starts again, and keeps fetched packages", file=sys.stderr)
        return 130


def install(machine: doctor.Machine, stamp: Path) -> int:
    """Sync `.venv` if nothing is missing on this machine, and return the exit status."""
    lacks = doctor.missing(machine)
    if lacks or isinstance(machine.uv, Exception) or isinstance(machine.choice, Exception):
        print("\n".join(f"MISSING   {line}" for line in lacks), file=sys.stderr)
        return 2
    started = time.monotonic()
    stack, python, why = machine.choice
    print(f"set-up    {stack.name} stack (TFX {stack.tfx}), Python {python.version}: {why}")
    print("set-up    installing into .venv; under a minute if the packages are in uv's cache", flush=True)
    # uv itself recreates an environment of another Python. Without a stamp, a sync was interrupted, maybe within a
    # package that uv would treat as installed.
    steps = [] if doctor.ready() else [["venv", "--clear", "--quiet", str(VENV)]]
    steps.append(["sync", "--locked", "--all-groups", "--compile-bytecode"])
    for old in VENV.glob(".synced-*"):
        old.unlink()
    if not all(run([machine.uv, *step], python.executable) for step in steps):
        return 2
    stamp.write_text(f"{python.version} {python.executable}\n")
    print(f"set-up    done in {time.monotonic() - started:.0f} s")
    return 0


def run(command: list[str], python: str) -> bool:
    """Run uv on that Python; on failure, print what to do. Return whether it succeeded."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment.update(UV_PROJECT_ENVIRONMENT=str(VENV), UV_PYTHON=python, UV_PYTHON_DOWNLOADS="never")
    environment.setdefault("UV_HTTP_TIMEOUT", "120")
    command = command + ([] if os.isatty(2) else ["--quiet"])
    status = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False).returncode
    if status:
        print(
            f"The packages could not be installed. Expected: `{' '.join(command)}` to end with status 0. "
            f"Received: status {status}. See the lines above. If they name the network, run it again: fetched packages "
            "are kept. If they name a compiler, see `make doctor`. If the lock is out of date, run `make lock`.",
            file=sys.stderr,
        )
    return not status


def fresh(stamp: Path) -> bool:
    """Return whether `.venv` is complete, and the stamp is not older than its inputs."""
    return (
        bool(doctor.ready())
        and stamp.exists()
        and stamp.stat().st_mtime >= max(path.stat().st_mtime for path in INPUTS)
    )


@contextlib.contextmanager
def one_set_up() -> Iterator[None]:
    """Let one set-up at a time run in this folder; print a line when it has to wait."""
    with INPUTS[0].open() as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("set-up    another set-up is running in this folder; waiting for it", flush=True)
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
