"""Find uv, which finds Pythons and installs packages: on PATH, or else fetched into `.uv`.

`environment/start uv ARGUMENTS` runs it, for example `environment/start uv lock`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "0.13.8"  # the fetched version; pyproject.toml has the oldest version allowed on PATH, which uv itself checks
PRIVATE = Path(".uv")


class FetchError(Exception):
    """uv could not be fetched. The message says what to do."""


def find() -> str | None:
    """Return uv's path, from PATH or from `.uv`; None if it has to be fetched."""
    return next(filter(_serves, (shutil.which("uv") or "", str(PRIVATE / "bin" / "uv"))), None)


def _serves(command: str) -> bool:
    try:  # the fastest command that checks `required-version`
        return not subprocess.run([command, "python", "dir"], capture_output=True, check=False).returncode
    except OSError:
        return False


def fetch() -> str:
    """Install uv into `.uv`, from pip's package index.

    Returns:
        Its path.

    Raises:
        FetchError: The virtual environment could not be made, or the package index did not serve uv.
    """
    partial = Path(tempfile.mkdtemp(prefix=".uv-", dir="."))  # another command may fetch it at the same time
    pip = [str(partial / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    elsewhere = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX")
    environment = {name: value for name, value in os.environ.items() if name not in elsewhere}
    for step in ([sys.executable, "-m", "venv", str(partial)], [*pip, f"uv=={VERSION}"]):
        try:
            subprocess.run(step, check=True, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr)
        except (OSError, subprocess.CalledProcessError) as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise FetchError(
                f"uv: none on PATH is new enough, and uv {VERSION} could not be fetched. Expected: `{' '.join(step)}` "
                f"to end with status 0. Received: {error}. See the lines above. Check the access to the package index "
                f"(PIP_INDEX_URL, PIP_CERT, proxies), or put uv {VERSION} or newer on PATH."
            ) from error
    shutil.rmtree(PRIVATE, ignore_errors=True)
    try:
        partial.rename(PRIVATE)
    except OSError:  # the other command was faster
        shutil.rmtree(partial, ignore_errors=True)
    return str(PRIVATE / "bin" / "uv")


def main() -> int:
    """Run uv with this command's arguments and return its exit status."""
    try:
        return subprocess.run([find() or fetch(), *sys.argv[1:]], check=False).returncode
    except FetchError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
