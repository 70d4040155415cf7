"""The package installer: the machine's own uv where it is new enough, else one fetched into `.uv`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

# What is fetched, and the oldest that is taken from PATH: an older one may read uv.lock otherwise.
VERSION = "0.13.8"
PRIVATE = Path(".uv")


class FetchError(Exception):
    """uv could not be fetched; the message says what to do."""


def version(command: str | None) -> tuple[int, ...]:
    """Asks a uv for its version; () where it does not run or says something else."""
    if not command:
        return ()
    try:
        done = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=30, check=True)
        return tuple(int(part) for part in done.stdout.split()[1].split("."))
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return ()


def find() -> str | None:
    """Returns the uv to use, from PATH or from `.uv`, or None where one has to be fetched."""
    oldest = tuple(int(part) for part in VERSION.split("."))
    for command in (shutil.which("uv"), str(PRIVATE / "bin" / "uv")):
        if version(command) >= oldest:
            return command
    return None


def fetch(python: str) -> str:
    """Installs uv into `.uv` and returns its path.

    Args:
        python: the interpreter that carries it; it needs ensurepip.

    Raises:
        FetchError: the virtual environment could not be made, or the package index did not give uv.
    """
    shutil.rmtree(PRIVATE, ignore_errors=True)
    pip = [str(PRIVATE / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    elsewhere = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX")
    environment = {name: value for name, value in os.environ.items() if name not in elsewhere}
    for step in ([python, "-m", "venv", str(PRIVATE)], [*pip, f"uv=={VERSION}"]):
        try:
            subprocess.run(step, check=True, env=environment, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            shutil.rmtree(PRIVATE, ignore_errors=True)
            raise FetchError(
                f"uv {VERSION}, which installs the packages, could not be fetched. Expected: `{' '.join(step)}` to end "
                f"with status 0. Received: {error}. See the lines above: is the package index within reach "
                f"(PIP_INDEX_URL, PIP_CERT, proxies)? Or put a uv {VERSION} or newer on PATH, which is used as it is."
            ) from error
    return str(PRIVATE / "bin" / "uv")
