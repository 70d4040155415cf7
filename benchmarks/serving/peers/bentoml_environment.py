"""BentoML's own environment: `python -m benchmarks.serving.peers.bentoml_environment` makes it, 115 MB.

BentoML wants other versions of what the gateway uses. `.venv-bentoml` has BentoML with what it needs, and finds
TensorFlow and the rest in this project's environment, behind its own. The load test asks BentoML where it is installed.
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
    """Whether the environment is there."""
    return (ENVIRONMENT / ".complete").exists()


def install() -> None:
    """Make the environment anew.

    Raises:
        subprocess.CalledProcessError: uv could not.
        environment.uv.FetchError: There is no uv, and it could not be fetched.
    """
    tool = str(uv.find() or uv.fetch())
    # NumPy of one version only: TensorFlow's C code fits no other.
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
