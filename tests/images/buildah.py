"""Images built and run by buildah, which needs no Docker engine; in chroot isolation, with this machine's network."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environment.flink.packages import cache_folder

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "localhost/python:trixie"
_RELEASE = "trixie"  # whose Python is that of the Dockerfiles
_PACKAGES = ("ca-certificates", "python3", "python3-venv", "python3-pip")
_SPACE_GB = 25
_STOP_SECONDS = 60.0
# How this machine reaches the package index: environment/debian_root passes the same on.
_PASSED_ON = (
    *("SSL_CERT_FILE", "PIP_CERT", "PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
    *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
)


@dataclass(frozen=True)
class Built:
    """An image with a container of it, and what it took."""

    container: str
    seconds: float
    megabytes: float
    config: Mapping[str, Any]  # as in OCI's image specification: Cmd, Entrypoint, Env, Labels, User, …


class Store:
    """The images and containers of one folder."""

    def __init__(self, folder: Path) -> None:
        for program in ("buildah", "debootstrap"):
            assert shutil.which(program), f"{program} is missing: apt-get install {program}"
        assert os.getuid() == 0, "debootstrap and chroot isolation need root"
        free = shutil.disk_usage(folder).free / 1e9
        assert free > _SPACE_GB, f"expected {_SPACE_GB} GB free at {folder}, received {free:.0f}"
        self._folder = folder
        self._driver = "overlay" if _overlay_works(folder / "probe") else "vfs"

    def remove(self) -> None:
        """Leaves nothing behind."""
        self.buildah("rm", "--all")
        self.buildah("rmi", "--all", "--force")
        shutil.rmtree(self._folder)

    def command(self, *arguments: str | Path) -> list[str]:
        storage = ("--root", self._folder / "storage", "--runroot", self._folder / "run")
        return [str(word) for word in ("buildah", *storage, "--storage-driver", self._driver, *arguments)]

    def buildah(self, *arguments: str | Path) -> str:
        return _call(*self.command(*arguments))

    def make_base(self) -> None:
        """Makes an image with Debian's Python where Docker's official image has its own."""
        container = self.buildah("from", "scratch")
        self.buildah("add", "--quiet", container, _base_archive(), "/")
        mounted = Path(self.buildah("mount", container))
        for path in mounted.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
            path.unlink()
        for name in ("python", "python3"):
            (mounted / "usr/local/bin" / name).symlink_to("/usr/bin/python3")
        given = {name: os.environ[name] for name in _PASSED_ON if os.environ.get(name)}
        for name in ("SSL_CERT_FILE", "PIP_CERT"):
            if name in given:
                shutil.copyfile(given[name], mounted / given[name].lstrip("/"))
        self.buildah("umount", container)
        given["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        self.buildah("config", *(f"--env={name}={value}" for name, value in given.items()), container)
        self.buildah("commit", "--quiet", "--rm", container, PYTHON)

    def build(self, dockerfile: str, name: str, *options: str) -> Built:
        """Builds a Dockerfile on the base, unchanged; packages come from uv's cache on this machine, or get there."""
        cache = Path(os.environ.get("UV_CACHE_DIR") or Path.home() / ".cache" / "uv")
        cache.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        self.buildah(
            *("bud", "--isolation=chroot", "--layers=false", f"--volume={cache}:/root/.cache/uv"),
            *(f"--build-arg=PYTHON={PYTHON}", f"--ignorefile={dockerfile}.dockerignore"),
            *(*options, f"--file={dockerfile}", f"--tag={name}", str(ROOT)),
        )
        seconds = time.monotonic() - began
        found = json.loads(self.buildah("inspect", "--type=image", name))
        container = self.buildah("from", "--pull-never", name)
        # As it lies unpacked: what a registry stores and a node pulls is less.
        mounted = self.buildah("mount", container)
        megabytes = float(_call("du", "--summarize", "--block-size=1000000", mounted).split()[0])
        self.buildah("umount", container)
        return Built(container, seconds, megabytes, found["OCIv1"]["config"])

    def run(self, container: str, *command: str, work: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Runs a command in a container, as its user, with a folder as its volume /work."""
        return subprocess.run(self._run(container, command, work, {}), capture_output=True, text=True, check=False)

    @contextlib.contextmanager
    def started(
        self, container: str, *command: str, log: Path, work: Path | None = None, environment: Mapping[str, str] = {}
    ) -> Iterator["subprocess.Popen[bytes]"]:
        """Runs a command in the background, and ends it."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                self._run(container, command, work, environment), stdout=output, stderr=output, start_new_session=True
            )
        try:
            yield process
        finally:
            for number in (15, 9):
                with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                    os.killpg(process.pid, number)
                    process.wait(_STOP_SECONDS)

    def _run(
        self, container: str, command: tuple[str, ...], work: Path | None, environment: Mapping[str, str]
    ) -> list[str]:
        volumes = [f"--volume={work}:/work"] if work else []
        variables = [f"--env={name}={value}" for name, value in environment.items()]
        return self.command("run", "--isolation=chroot", *volumes, *variables, container, "--", *command)


def _overlay_works(folder: Path) -> bool:
    """Tells whether file systems can lie over one another; else each layer and container is a copy of everything."""
    storage = ("buildah", "--root", folder / "storage", "--runroot", folder / "run", "--storage-driver", "overlay")
    for arguments in (("from", "--name=probe", "scratch"), ("mount", "probe"), ("rm", "probe")):
        done = subprocess.run([*storage, *arguments], capture_output=True, check=False)
        if done.returncode:
            return False
    return True


def _base_archive() -> Path:
    """Debian with a Python, made once by debootstrap and kept."""
    archive = cache_folder() / f"image-base-{_RELEASE}.tar"
    if not archive.is_file():
        archive.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
            root, partial = Path(scratch) / "root", Path(scratch) / "root.tar"
            mirror = [os.environ["DEBIAN_MIRROR"]] if os.environ.get("DEBIAN_MIRROR") else []
            # Its mounts are in a namespace that ends with it.
            apart = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--")
            made = (
                "debootstrap",
                "--variant=minbase",
                f"--include={','.join(_PACKAGES)}",
                _RELEASE,
                str(root),
                *mirror,
            )
            _call(*apart, *made)
            unwanted = ("./proc/*", "./sys/*", "./var/cache/apt/archives/*.deb")
            _call("tar", f"--directory={root}", *(f"--exclude={each}" for each in unwanted), "-cf", str(partial), ".")
            partial.rename(archive)
    return archive


def _call(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout.strip()
