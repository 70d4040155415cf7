"""The command: `python -m environment.dvc` installs DVC where it is missing, and prints the path of its command.

The environment is `.venv-dvc` in the project's folder, as `uv.lock` beside this file says. Exit status 0: it is there.
2: it could not be installed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from environment import uv

FOLDER = Path(__file__).resolve().parent
ENVIRONMENT = FOLDER.parents[1] / ".venv-dvc"  # at the top, as .venv is: no tool that walks folders of code finds it


class InstallError(Exception):
    """DVC could not be installed; the message says what to do."""


def install() -> Path:
    """Installs DVC, which takes a tenth of a second where it is installed already, and returns its command.

    Raises:
        InstallError: uv could not install it.
        FetchError: There is no uv, and it could not be fetched.
    """
    # This Python is one of those that the project runs on. Another project's environment must not be touched.
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment.update(UV_PROJECT_ENVIRONMENT=str(ENVIRONMENT), UV_PYTHON_DOWNLOADS="never")
    command = [uv.find() or uv.fetch(), "sync", "--locked", "--quiet", "--project", str(FOLDER)]
    command += ["--python", sys.executable]
    status = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False).returncode
    if status:
        raise InstallError(
            f"DVC could not be installed. Expected: `{' '.join(command)}` to end with status 0. Received: status "
            f"{status}. See the lines above. Where they speak of the network, run again."
        )
    return ENVIRONMENT / "bin" / "dvc"


def main() -> int:
    """Prints the path of the command and returns the exit status."""
    try:
        print(install())
    except (InstallError, uv.FetchError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
