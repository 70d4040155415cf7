"""Install a tool in a separate environment, from the uv.lock next to its pyproject.toml: DVC, Airflow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from environment import uv

_TOP = Path(__file__).resolve().parents[1]


class InstallError(Exception):
    """The tool could not be installed. The message says what to do."""


def install(tool: str, project: Path) -> Path:
    """Install a tool; this takes a tenth of a second if it is installed already.

    Args:
        tool: its name; the environment is `.venv-<tool>` in the project's folder, like .venv, so that tools that search
            folders for code skip it.
        project: the folder of its pyproject.toml and uv.lock.

    Returns:
        The environment's folder.

    Raises:
        InstallError: uv could not install it.
        FetchError: uv is missing, and could not be fetched.
    """
    # This Python fits the project. VIRTUAL_ENV may name another project's environment, which must stay untouched.
    folder = _TOP / (".venv-" + tool)
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment.update(UV_PROJECT_ENVIRONMENT=str(folder), UV_PYTHON_DOWNLOADS="never")
    command = [uv.find() or uv.fetch(), "sync", "--locked", "--quiet", "--compile-bytecode", "--project", str(project)]
    command += ["--python", sys.executable]
    status = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False).returncode
    if status:
        raise InstallError(
            f"{tool} could not be installed. Expected: `{' '.join(command)}` to end with status 0. Received: status "
            f"{status}. See the lines above. If they name the network, run the command again."
        )
    return folder
