"""The files of a version, read so that nobody can have something else read in their stead.

Every folder and file is opened below the one before, and no symbolic link is followed: what is read lies in the folder.
"""

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from serving.signing.errors import Reason, RefusedVersionError
from serving.signing.manifest import FileDigest

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe would be waited for
_CHUNK = 2**20  # bytes
_DEEPEST = 32  # folders within folders; each that is open takes a descriptor
_SPARE = 100  # folders and files, beyond those that are expected


class VersionFiles:
    """The open folder of a version."""

    def __init__(self, descriptor: int):
        """Take the folder's descriptor; `open_version` closes it."""
        self._folder = descriptor

    def names(self, expected: int | None = None) -> list[str]:
        """List the files by their paths below the folder; sorted.

        Args:
            expected: files; the list stops where there are far more. None: any number.

        Raises:
            RefusedVersionError: Something is neither a regular file nor a folder; or there are far too many, or folders
                too deep for any model.
            OSError: A folder cannot be read.
        """
        found: list[str] = []
        for count, name in enumerate(_list(self._folder, "")):
            if expected is not None and count > 2 * expected + _SPARE:
                raise RefusedVersionError(
                    Reason.EXTRA_FILE, f"over {count - 1} files and folders lie there: expected {expected} files."
                )
            found.append(name)
        return sorted(name for name in found if not name.endswith("/"))

    def read(self, name: str, most: int) -> bytes | None:
        """Read a small file; None when there is none.

        Raises:
            RefusedVersionError: It is no regular file, or larger than `most` bytes.
            OSError: It cannot be read.
        """
        chunks: list[bytes] = []
        try:
            self.digest(name, chunks.append, most=most)
        except FileNotFoundError:
            return None
        return b"".join(chunks)

    def digest(self, name: str, *sinks: Callable[[bytes], object], most: int | None = None) -> FileDigest:
        """Read a file in pieces.

        Args:
            name: its path below the folder.
            sinks: each gets every piece.
            most: bytes that it may hold; None: any number.

        Raises:
            RefusedVersionError: It is no regular file, or holds more than `most` bytes.
            OSError: It cannot be read.
        """
        size, sha256 = 0, hashlib.sha256()
        with self._open(name) as descriptor:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _irregular(name)
            while chunk := os.read(descriptor, _CHUNK):
                size += len(chunk)
                if most is not None and size > most:
                    raise RefusedVersionError(
                        Reason.ALTERED_FILE,
                        f"{name!r} was altered: it holds more than the {most} bytes that it may hold.",
                    )
                sha256.update(chunk)
                for sink in sinks:
                    sink(chunk)
        return FileDigest(size, sha256.hexdigest())

    @contextlib.contextmanager
    def _open(self, name: str) -> Iterator[int]:
        *folders, file = name.split("/")
        with contextlib.ExitStack() as stack:
            place = self._folder
            try:
                for folder in folders:
                    place = os.open(folder, _FOLDER, dir_fd=place)
                    stack.callback(os.close, place)
                descriptor = os.open(file, _FILE, dir_fd=place)
            except FileNotFoundError:
                raise
            except OSError as error:  # ELOOP or ENOTDIR for a link, ENXIO for a socket
                if _is_regular(file, place):
                    raise
                raise _irregular(name) from error
            stack.callback(os.close, descriptor)
            yield descriptor


@contextlib.contextmanager
def open_version(version: Path) -> Iterator[VersionFiles]:
    """Open the folder of a version.

    Raises:
        RefusedVersionError: It is a symbolic link, or no folder.
        OSError: It cannot be opened.
    """
    try:
        descriptor = os.open(version, _FOLDER)
    except NotADirectoryError as error:
        raise RefusedVersionError(
            Reason.NO_REGULAR_FILE, "expected a folder, received a symbolic link or a file; push it again."
        ) from error
    try:
        yield VersionFiles(descriptor)
    finally:
        os.close(descriptor)


def _list(descriptor: int, prefix: str) -> Iterator[str]:
    """List folders, which end in "/", and files, one by one: there may be millions."""
    if prefix.count("/") > _DEEPEST:
        raise RefusedVersionError(
            Reason.EXTRA_FILE, f"{prefix[:100]!r}… lies over {_DEEPEST} folders deep, as no file of a model does."
        )
    with os.scandir(descriptor) as entries:
        for entry in entries:
            mode, name = entry.stat(follow_symlinks=False).st_mode, f"{prefix}{entry.name}"
            if stat.S_ISDIR(mode):
                yield f"{name}/"
                folder = os.open(entry.name, _FOLDER, dir_fd=descriptor)
                try:
                    yield from _list(folder, f"{name}/")
                finally:
                    os.close(folder)
            elif stat.S_ISREG(mode):
                yield name
            else:
                raise _irregular(name)


def _is_regular(name: str, place: int) -> bool:
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=place, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _irregular(name: str) -> RefusedVersionError:
    return RefusedVersionError(
        Reason.NO_REGULAR_FILE,
        f"{name!r} is a symbolic link, a pipe, a socket or a device: expected regular files only; push it again.",
    )
