"""Install DVC if it is missing, and print the path of its command: `python -m environment.dvc`.

The environment is `.venv-dvc` in the project's folder, made from `uv.lock` in this folder. Exit status 0: installed. 2:
it could not be installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from environment import own_environment, uv

FOLDER = Path(__file__).resolve().parent


def install() -> Path:
    """Install DVC if it is missing.

    Returns:
        The path of its command.

    Raises:
        InstallError: uv could not install it.
        FetchError: uv is missing, and could not be fetched.
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
