"""Made-up interpreters and machines."""

from environment.doctor import Machine
from environment.stack import Platform, Python, choose

DEBIAN_13 = Platform("linux-x86_64", "2.41")
DEBIAN_12 = Platform("linux-x86_64", "2.36")
MAC = Platform("darwin-arm64", "")


def python(version: str, **facts: object) -> Python:
    """An interpreter that lacks nothing, but for what is said."""
    short = version.rpartition(".")[0]
    told = {
        "executable": f"/usr/bin/python{short}",
        "version": version,
        "plain": True,
        "include": f"/usr/include/python{short}",
        "headers": True,
    }
    return Python(**{**told, **facts})  # type: ignore[arg-type]


def machine(**facts: object) -> Machine:
    """A Debian 13 machine that lacks nothing, but for what is said."""
    told = {
        "uv": ".uv/bin/uv",
        "choice": choose(DEBIAN_13, [python("3.13.5")]),
        "compiler": "/usr/bin/c++",
        "free_gb": 50.0,
        "browser": "/usr/bin/chromium",
        "npm": "/usr/bin/npm",
        "ready": "",
        "packager": "apt-get",
    }
    return Machine(**{**told, **facts})  # type: ignore[arg-type]
