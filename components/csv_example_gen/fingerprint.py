"""Compute the fingerprint of a source from the contents of its files, regardless of their names and times.

TFX's own fingerprint is the number of the files, their total bytes, and their times in whole seconds. An edited file
that gets its old time back keeps that fingerprint, and a copy of a file changes it. Ours is
`split:<name>,num_files:<n>,total_bytes:<n>,blake2b:<hex>`. Its digest is that of the files' digests in the order of
reading, one per line:

    LC_ALL=C ls FILES | xargs b2sum -l 256 | cut -c1-64 | b2sum -l 256

This module does not import TFX, so that tools that check whether data changed can use it quickly.
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

BLAKE2B = "blake2b"  # name of the digest in a fingerprint; TFX's own fingerprints have no digest
_DIGEST_SIZE = 32  # bytes
_CHUNK = 1 << 20  # bytes read at once
# Two changes within one tick of the file system's clock give the same times (git calls such files racily clean). A page
# of a memory-mapped file gets its time when it is first changed, at most half a minute before it is written
# (vm.dirty_expire_centisecs). Neither matters for a file whose last change is longer ago than this.
_SETTLED_SECONDS = 60
_SECOND = 10**9  # nanoseconds
# These file systems set ctime from the local clock at every change, and programs cannot set it. Others may differ: a
# network file system uses another machine's clock, and object stores have no ctime.
_FILE_SYSTEMS = frozenset({"apfs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"})

Identity = tuple[int, ...]  # device, inode, size, mtime and ctime in nanoseconds


@dataclasses.dataclass(frozen=True)
class FileDigest:
    """Size and digest of a file's contents."""

    size: int  # bytes
    digest: str  # BLAKE2b of 32 bytes, in hex


def digest_file(path: str, open_file: OpenFile = open_local) -> FileDigest:
    """Return the digest of a file.

    Raises:
        SourceError: The file cannot be read.
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
        split: name of the input split.
        files: its files in the order in which they are read.
        digest: function that returns the digest of a file.
    """
    found = [digest(file) for file in files]
    lines = "".join(f"{each.digest}\n" for each in found)
    whole = hashlib.blake2b(lines.encode(), digest_size=_DIGEST_SIZE).hexdigest()
    size = sum(each.size for each in found)
    return f"split:{split},num_files:{len(files)},total_bytes:{size},{BLAKE2B}:{whole}"


def identify(path: str) -> Identity | None:
    """Return a value that every change of a file changes, except one within a tick of the clock; None if it is gone."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class RememberedDigests:
    """Digests of local files that are kept in a file, so that unchanged files are not read again.

    A file counts as unchanged if its path, device, inode, size, mtime and ctime are the same, if it is on a local file
    system with a clock finer than a second, and if its last change was over a minute ago when it was read. All others
    are read every time.
    """

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._known = _read_memory(memory)
        self._mounts = {part.mountpoint: part.fstype for part in psutil.disk_partitions(all=True)}

    def digest(self, path: str) -> FileDigest:
        """Return the digest of a file, and read the file unless its digest is remembered.

        Raises:
            SourceError: The file cannot be read.
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
        """Write the digests of all files that still exist."""
        kept = {path: known for path, known in self._known.items() if Path(path).exists()}
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._memory, json.dumps(kept, indent=1) + "\n")

    def _is_settled(self, path: str, identity: Identity, now: int) -> bool:
        changed = identity[-1]
        return (
            now - changed > _SETTLED_SECONDS * _SECOND
            and changed % _SECOND != 0  # else the clock may count whole seconds, or the file system have no ctime
            and self._file_system(path) in _FILE_SYSTEMS
        )

    def _file_system(self, path: str) -> str:
        folders = (str(folder) for folder in Path(path).resolve().parents)
        return next((self._mounts[folder] for folder in folders if folder in self._mounts), "")


def _read_memory(memory: Path) -> dict[str, Any]:
    """Return the remembered digests; none if the file is damaged, since then the source is only read again."""
    try:
        known = json.loads(memory.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    whole = isinstance(known, dict) and all(
        isinstance(entry, dict) and entry.keys() == {"identity", BLAKE2B} for entry in known.values()
    )
    return known if whole else {}
