"""Read the files of a version in a way that cannot be redirected to other files.

Every folder and file is opened relative to its open parent, and no symbolic link is followed: everything that is read
is inside the folder.
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
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # O_NONBLOCK: opening a pipe would wait
_CHUNK = 2**20  # bytes
_DEEPEST = 32  # nested folders; each open one takes a descriptor
_SPARE = 100  # tolerated folders and files beyond the expected ones


class VersionFiles:
    """The open folder of a version.

    Args:
        descriptor: of the folder; `open_version` closes it.
    """

    def __init__(self, descriptor: int):
        self._folder = descriptor

    def names(self, expected: int | None = None) -> list[str]:
        """List the files by their paths below the folder; sorted.

        Args:
            expected: the number of files; the list stops if there are far more. None accepts any number.

        Returns:
            The paths.

        Raises:
            RefusedVersionError: An entry is neither a regular file nor a folder; or there are far too many entries, or
                too deep folders.
            OSError: A folder cannot be read.
        """
        found: list[str] = []
        for count, name in enumerate(_list(self._folder, "")):
            if expected is not None and count > 2 * expected + _SPARE:
                raise RefusedVersionError(
                    Reason.EXTRA_FILE, f"it holds over {count - 1} files and folders: expected {expected} files."
                )
            found.append(name)
        return sorted(name for name in found if not name.endswith("/"))

    def read(self, name: str, most: int) -> bytes | None:
        """Read a small file; return None when it does not exist.

        Args:
            name: its path below the folder.
            most: the largest allowed size in bytes.

        Returns:
            The content.

        Raises:
            RefusedVersionError: It is not a regular file, or is larger than `most` bytes.
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
            sinks: called with every piece.
            most: the largest allowed size in bytes; None allows any.

        Returns:
            Its size and digest.

        Raises:
            RefusedVersionError: It is not a regular file, or holds more than `most` bytes.
            OSError: It cannot be read.
        """
        size, sha256 = 0, hashlib.sha256()
        with self._open(name) as descriptor:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise RefusedVersionError(Reason.NO_REGULAR_FILE, _describe_irregular(name))
            while chunk := os.read(descriptor, _CHUNK):
                size += len(chunk)
                if most is not None and size > most:
                    raise RefusedVersionError(
                        Reason.ALTERED_FILE,
                        f"{name!r} was altered: expected at most {most} bytes, received more.",
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
                raise RefusedVersionError(Reason.NO_REGULAR_FILE, _describe_irregular(name)) from error
            stack.callback(os.close, descriptor)
            yield descriptor


@contextlib.contextmanager
def open_version(version: Path) -> Iterator[VersionFiles]:
    """Open the folder of a version.

    Args:
        version: the folder.

    Yields:
        Its files.

    Raises:
        RefusedVersionError: It is a symbolic link, or not a folder.
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
    """Yield folders, which end in "/", and files, one by one: there may be millions."""
    if prefix.count("/") > _DEEPEST:
        raise RefusedVersionError(
            Reason.EXTRA_FILE, f"{prefix[:100]!r} is over {_DEEPEST} folders deep: expected the folders of a model."
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
                raise RefusedVersionError(Reason.NO_REGULAR_FILE, _describe_irregular(name))


def _is_regular(name: str, place: int) -> bool:
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=place, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _describe_irregular(name: str) -> str:
    return f"{name!r} is a symbolic link, a pipe, a socket or a device: expected regular files only; push it again."
