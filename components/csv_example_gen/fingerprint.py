"""The fingerprint of a source: of what its files hold, whatever their names and times.

TFX's own is the number of the files, their bytes in all, and their times in whole seconds: a file that was edited and
given its old time keeps it, and a copy of the same file does not. Ours is `split:<name>,num_files:<n>,total_bytes:<n>,
blake2b:<hex>`, where the digest is that of the files' own digests in the order in which they are read, one per line:

    LC_ALL=C ls FILES | xargs b2sum -l 256 | cut -c1-64 | b2sum -l 256

No TFX here: what tells whether data are still what they were uses it, too.
"""

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from components.csv_example_gen.file_contents import OpenFile, SourceError, open_local
from serving.durable_file import write_whole

BLAKE2B = "blake2b"  # names the digest in a fingerprint; TFX's own has none
_DIGEST_SIZE = 32  # bytes
_CHUNK = 1 << 20  # bytes read at once
# A change within one tick of the file system's clock leaves no trace in its times (what git calls racily clean), and
# pages that a program maps are given a time when they are first dirtied, at most half a minute before they are written
# (vm.dirty_expire_centisecs). A file that was touched longer ago than this has neither.
_SETTLED_SECONDS = 60
_SECOND = 10**9  # nanoseconds
# They set ctime from their own clock at every change, and nobody can set it back. Others may not: over a network the
# clock is another machine's, and object stores have no ctime.
_FILE_SYSTEMS = frozenset({"apfs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"})

Identity = tuple[int, ...]  # device, inode, size, mtime and ctime in nanoseconds


@dataclasses.dataclass(frozen=True)
class FileDigest:
    """What a file holds."""

    size: int  # bytes
    digest: str  # BLAKE2b of 32 bytes, in hex


def digest_file(path: str, open_file: OpenFile = open_local) -> FileDigest:
    """Read a whole file.

    Raises:
        SourceError: It cannot be read.
    """
    whole, size = hashlib.blake2b(digest_size=_DIGEST_SIZE), 0
    try:
        with open_file(path) as stream:
            while chunk := stream.read(_CHUNK):
                whole.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror or error}.") from error
    return FileDigest(size, whole.hexdigest())


def fingerprint(split: str, files: Sequence[str], digest: Callable[[str], FileDigest] = digest_file) -> str:
    """Return the fingerprint of an input split.

    Args:
        split: its name.
        files: in the order in which they are read.
        digest: of one file.
    """
    found = [digest(file) for file in files]
    lines = "".join(f"{each.digest}\n" for each in found)
    whole = hashlib.blake2b(lines.encode(), digest_size=_DIGEST_SIZE).hexdigest()
    size = sum(each.size for each in found)
    return f"split:{split},num_files:{len(files)},total_bytes:{size},{BLAKE2B}:{whole}"


def identify(path: str) -> Identity | None:
    """Return what changes with every change of a file, but for one within a tick of the clock; None if it is gone."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class RememberedDigests:
    """Digests of local files, kept in a file. One is read again unless it surely is what it was.

    Surely: a file of the same path, inode, size, mtime and ctime, on a local file system whose clock counts fractions
    of a second, that nobody had touched for a minute when it was read. All others are read every time.
    """

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._known = _read_memory(memory)
        self._mounts = {part.mountpoint: part.fstype for part in psutil.disk_partitions(all=True)}

    def digest(self, path: str) -> FileDigest:
        """Return the digest of a file, remembered or read.

        Raises:
            SourceError: It cannot be read.
        """
        before, now = identify(path), time.time_ns()
        known = self._known.get(path)
        if known is not None and before is not None and known["identity"] == list(before):
            return FileDigest(before[2], known[BLAKE2B])
        found = digest_file(path)
        self._known.pop(path, None)
        if before is not None and before == identify(path) and self._is_settled(path, before, now):
            self._known[path] = {"identity": list(before), BLAKE2B: found.digest}
        return found

    def save(self) -> None:
        """Write the digests of all files that are still there."""
        kept = {path: known for path, known in self._known.items() if Path(path).exists()}
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._memory, json.dumps(kept, indent=1) + "\n")

    def _is_settled(self, path: str, identity: Identity, now: int) -> bool:
        changed = identity[-1]
        return (
            now - changed > _SETTLED_SECONDS * _SECOND
            and changed % _SECOND != 0  # a clock of whole seconds, or of a file system without ctime
            and self._file_system(path) in _FILE_SYSTEMS
        )

    def _file_system(self, path: str) -> str:
        folders = (str(folder) for folder in Path(path).resolve().parents)
        return next((self._mounts[folder] for folder in folders if folder in self._mounts), "")


def _read_memory(memory: Path) -> dict[str, Any]:
    """Return what is remembered; nothing of a damaged memory, since all it saves is reading the files again."""
    try:
        known = json.loads(memory.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    whole = isinstance(known, dict) and all(
        isinstance(entry, dict) and entry.keys() == {"identity", BLAKE2B} for entry in known.values()
    )
    return known if whole else {}
