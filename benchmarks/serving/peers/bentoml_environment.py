"""Make BentoML's separate environment, 115 MB: `python -m benchmarks.serving.peers.bentoml_environment`.

BentoML needs other versions of the gateway's packages. `.venv-bentoml` holds BentoML and its dependencies, and falls
back to this project's environment for TensorFlow and the rest. The load test measures BentoML if it is installed.
"""

import importlib.metadata
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from environment import uv

VERSION = "1.4.40"
ENVIRONMENT = Path(__file__).resolve().parents[3] / ".venv-bentoml"
PYTHON = ENVIRONMENT / "bin" / "python"


def installed() -> bool:
    """Return whether the environment exists."""
    return (ENVIRONMENT / ".complete").exists()


def install() -> None:
    """Make the environment, replacing an earlier one.

    Raises:
        subprocess.CalledProcessError: uv failed.
        environment.uv.FetchError: uv is missing, and could not be fetched.
    """
    tool = str(uv.find() or uv.fetch())
    # NumPy must have the project's version: TensorFlow's C code fits no other.
    packages = [f"bentoml=={VERSION}", f"numpy=={importlib.metadata.version('numpy')}"]
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    make = [tool, "venv", "--quiet", "--clear", "--python", sys.executable, str(ENVIRONMENT)]
    fill = [tool, "pip", "install", "--quiet", "--python", str(PYTHON), *packages]
    for command in (make, fill):
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=True)
    folder = "import sysconfig; print(sysconfig.get_path('purelib'))"
    found = subprocess.run([str(PYTHON), "-c", folder], check=True, capture_output=True, text=True).stdout.strip()
    (Path(found) / "zz_project.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (ENVIRONMENT / ".complete").touch()


if __name__ == "__main__":
    install()
    print(f"BentoML {VERSION} is in {ENVIRONMENT}; the load test asks it now")
