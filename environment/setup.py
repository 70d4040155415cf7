"""`make setup`: makes `.venv` what pyproject.toml and uv.lock say, on the stack that this machine gets.

`python3 -m environment.setup STAMP` syncs and writes STAMP; `python3 -m environment.setup --lock [--upgrade]` writes
uv.lock anew from pyproject.toml. PYTHON in the environment names an interpreter. Exit status 0: done. 2: this machine
lacks something, or the installer failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from environment import doctor, stack, uv, venv
from environment.pythons import dotted


def main(arguments: list[str]) -> int:
    """Does what the arguments say and returns the exit status."""
    machine = doctor.inspect(os.environ.get("PYTHON", ""))
    lacks = doctor.missing(machine)
    if machine.choice is None or lacks:
        print("\n".join(f"MISSING   {line}" for line in lacks), file=sys.stderr)
        return 2
    try:
        if arguments[0] == "--lock":
            return lock(machine, arguments[1:])
        with venv.turn():
            return install(machine, machine.choice, Path(arguments[0]))
    except (uv.FetchError, venv.SyncError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("set-up    interrupted; the next one starts over, from what was fetched", file=sys.stderr)
        return 130


def install(machine: doctor.Machine, choice: stack.Choice, stamp: Path) -> int:
    """Syncs `.venv`, unless another set-up did while this one waited for its turn."""
    if venv.fresh(stamp):
        return 0
    started = time.monotonic()
    chosen, python, why = choice
    print(f"set-up    {chosen.name} stack (TFX {chosen.tfx}), Python {dotted(python.version)}: {why}")
    print("set-up    installing into .venv; under a minute where the packages are in uv's cache", flush=True)
    venv.sync(machine.uv or uv.fetch(python.executable), python, stamp)
    print(f"set-up    done in {time.monotonic() - started:.0f} s")
    return 0


def lock(machine: doctor.Machine, options: list[str]) -> int:
    """Resolves pyproject.toml into uv.lock."""
    installer = machine.uv or uv.fetch(machine.choice.python.executable if machine.choice else sys.executable)
    return 2 if subprocess.run([installer, "lock", *options], check=False).returncode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
