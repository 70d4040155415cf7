"""A tool in an environment of its own, as the uv.lock beside its pyproject.toml says: DVC, Airflow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from environment import uv

_TOP = Path(__file__).resolve().parents[1]


class InstallError(Exception):
    """The tool could not be installed; the message says what to do."""


def install(tool: str, project: Path) -> Path:
    """Install a tool, which takes a tenth of a second where it is installed already, and return its environment.

    Args:
        tool: its name; the environment is `.venv-<tool>` at the top, as .venv is: no tool that walks folders of code
            finds it.
        project: the folder of its pyproject.toml and uv.lock.

    Raises:
        InstallError: uv could not install it.
        FetchError: There is no uv, and it could not be fetched.
    """
    # This Python is one of those that the project runs on. Another project's environment must not be touched.
    folder = _TOP / (".venv-" + tool)
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment.update(UV_PROJECT_ENVIRONMENT=str(folder), UV_PYTHON_DOWNLOADS="never")
    command = [uv.find() or uv.fetch(), "sync", "--locked", "--quiet", "--compile-bytecode", "--project", str(project)]
    command += ["--python", sys.executable]
    status = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False).returncode
    if status:
        raise InstallError(
            f"{tool} could not be installed. Expected: `{' '.join(command)}` to end with status 0. Received: status "
            f"{status}. See the lines above. Where they speak of the network, run again."
        )
    return folder
