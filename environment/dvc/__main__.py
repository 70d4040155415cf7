"""The command: `python -m environment.dvc` installs DVC where it is missing, and prints the path of its command.

The environment is `.venv-dvc` in the project's folder, as `uv.lock` beside this file says. Exit status 0: it is there.
2: it could not be installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from environment import own_environment, uv

FOLDER = Path(__file__).resolve().parent


def install() -> Path:
    """Install DVC where it is missing, and return its command.

    Raises:
        InstallError: uv could not install it.
        FetchError: There is no uv, and it could not be fetched.
    """
    return own_environment.install("dvc", FOLDER) / "bin" / "dvc"


def main() -> int:
    """Print the path of the command and return the exit status."""
    try:
        print(install())
    except (own_environment.InstallError, uv.FetchError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
