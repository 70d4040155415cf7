"""Fetch Flink and Beam's Flink runner, and check each file against its committed checksum."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

FLINK = "apache-flink-libraries==1.19.3"  # jars only: no start scripts, no configuration
_HERE = Path(__file__).resolve().parent
_CHECKSUMS = _HERE / "jars.sha256"
# Flink's own jars contain these; a second copy on the class path would shadow them.
_IN_FLINK = ("flink-", "slf4j-api-")


class PackageError(RuntimeError):
    """A package cannot be fetched, or is not the pinned one."""


class Packages:
    """The jars, in a folder that every cluster of this user shares."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def flink(self) -> list[Path]:
        """Return Flink's own jars that a cluster needs, without the table API."""
        return [jar for jar in self._jars("flink") if jar.name.startswith(("flink-dist-", "log4j-"))]

    @property
    def beam(self) -> list[Path]:
        """Return Beam's Flink runner and its dependencies, without those in Flink's own jars."""
        return [jar for jar in self._jars("beam") if not jar.name.startswith(_IN_FLINK)]

    @property
    def job_server(self) -> list[Path]:
        """Return Beam's Flink runner with all its dependencies, and the logging jars."""
        return self._jars("beam") + [jar for jar in self._jars("flink") if jar.name.startswith("log4j-")]

    def _jars(self, part: str) -> list[Path]:
        return sorted((self.folder / part).glob("*.jar"))


def fetch() -> Packages:
    """Fetch the packages once, 390 MB.

    Returns:
        The packages.

    Raises:
        PackageError: Java or Maven is missing, a package cannot be fetched, or a checksum differs.
        OSError: The packages cannot be moved to the cache.
    """
    folder = cache_folder() / f"flink-{hashlib.sha256(_CHECKSUMS.read_bytes()).hexdigest()[:12]}"
    packages = Packages(folder)
    if folder.is_dir():
        return packages
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        partial = Path(scratch) / "partial"
        _fetch_beam(partial / "beam")
        _fetch_flink(partial / "flink", Path(scratch))
        _check(partial)
        try:
            partial.rename(folder)
        except OSError:  # another process was faster
            if not folder.is_dir():
                raise
    return packages


def cache_folder() -> Path:
    """Return the folder of fetched files, which environment/debian_root uses, too."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "tfx-reference-pipeline"


def _fetch_beam(folder: Path) -> None:
    _run("mvn", "-q", "-B", "-f", str(_HERE / "pom.xml"), "dependency:copy-dependencies",
         f"-DoutputDirectory={folder}", "-DincludeScope=runtime")  # fmt: skip


def _fetch_flink(folder: Path, scratch: Path) -> None:
    uv = Path(".uv/bin/uv")
    _run(str(uv) if uv.exists() else "uv", "pip", "install", "--no-deps", "--target", str(scratch / "wheel"), FLINK)
    shutil.move(scratch / "wheel" / "pyflink" / "lib", folder)


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise PackageError(
            f"{command[0]}: expected it on PATH to fetch Flink, received none; "
            + ("install Maven (Debian: maven)" if command[0] == "mvn" else "run `make setup`, which installs it")
        ) from error
    if done.returncode:
        raise PackageError(f"`{' '.join(command)}` ended with status {done.returncode}:\n{done.stdout}{done.stderr}")


def _check(folder: Path) -> None:
    expected = {}
    for line in _CHECKSUMS.read_text().splitlines():
        digest, _, name = line.partition("  ")
        expected[name] = digest
    found = {str(jar.relative_to(folder)): _sha256(jar) for jar in sorted(folder.rglob("*.jar"))}
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        raise PackageError(
            f"{len(wrong)} of {len(expected)} packages differ from {_CHECKSUMS.name}, first {wrong[0]}: expected "
            f"{expected.get(wrong[0], 'no such file')}, received {found.get(wrong[0], 'no such file')}. Nothing was "
            "kept. Run it again; if it fails again, the index serves another file than the pinned one."
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
