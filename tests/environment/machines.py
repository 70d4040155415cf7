"""Made-up interpreters and machines."""

from environment.doctor import Machine
from environment.pythons import Python
from environment.stack import choose


def python(version: str, glibc: str = "2.41", **facts: object) -> Python:
    """An interpreter on a Linux machine that lacks nothing, but for what is said."""
    short = ".".join(version.split(".")[:2])
    told = {
        "executable": f"/usr/bin/python{short}",
        "version": tuple(map(int, version.split("."))),
        "implementation": "cpython",
        "free_threaded": False,
        "platform": "linux",
        "machine": "x86_64",
        "glibc": tuple(map(int, glibc.split("."))),
        "ensurepip": True,
        "headers": True,
        "include": f"/usr/include/python{short}",
    }
    return Python(**{**told, **facts})  # type: ignore[arg-type]


def mac(version: str) -> Python:
    return python(version, platform="darwin", machine="arm64")._replace(glibc=())


def machine(**facts: object) -> Machine:
    """A Debian 13 machine that lacks nothing, but for what is said."""
    told = {
        "choice": choose([python("3.13.5")]),
        "refusal": "",
        "compiler": "/usr/bin/c++",
        "uv": None,
        "free_gb": 50.0,
        "browser": "/usr/bin/chromium",
        "ready": "",
        "packager": "apt-get",
    }
    return Machine(**{**told, **facts})  # type: ignore[arg-type]
