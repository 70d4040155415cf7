"""TensorFlow's file system in memory, `ram://`, for Beam as well: one that is no disk, for the whole of a pipeline.

TFX's fileio hands every scheme that it does not know on to TensorFlow, so all three see the same files. They live as
long as the process, and no other process sees them.
"""

import contextlib
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from apache_beam.io.filesystem import BeamIOError, CompressedFile, CompressionTypes, FileMetadata, FileSystem
from tensorflow.python.lib.io import file_io
from tfx.utils import io_utils

SCHEME = "ram"
_rename, _listdir, _rmtree = tf.io.gfile.rename, tf.io.gfile.listdir, tf.io.gfile.rmtree


@contextlib.contextmanager
def enter(working: Path) -> Iterator[str]:
    """Gives an empty folder of `ram://`, and removes it in the end.

    Nothing may be written to the working folder meanwhile: what takes a URI for a path leaves a folder `ram:` there.

    Args:
        working: a new folder; the working folder until the end.
    """
    working.mkdir()
    folder = f"{SCHEME}://{uuid.uuid4().hex}"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(working)
        _mend(monkeypatch)
        tf.io.gfile.makedirs(folder)
        yield folder
        rmtree(folder)
    assert list(working.iterdir()) == []


def _mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Corrects faults of TensorFlow's `ram://`, in which it is unlike every other file system."""
    monkeypatch.setattr(tf.io.gfile, "rename", rename)
    monkeypatch.setattr(tf.io.gfile, "rmtree", rmtree)
    monkeypatch.setattr(tf.io.gfile, "listdir", listdir)
    monkeypatch.setattr(file_io, "list_directory_v2", listdir)  # which gfile.walk asks


def rename(source: str, target: str, overwrite: bool = False) -> None:
    """Renames files and folders. TensorFlow's own renames a folder, and loses what is in it."""
    if source.startswith(f"{SCHEME}://") and tf.io.gfile.isdir(source):
        io_utils.copy_dir(source, target)
        rmtree(source)
    else:
        _rename(source, target, overwrite)


def listdir(path: str) -> list[str]:
    """Lists a folder. TensorFlow's own finds `.extra` in `assets` where `assets.extra` is beside it."""
    names = _listdir(path)
    if not path.startswith(f"{SCHEME}://"):
        return list(names)
    return [name for name in names if tf.io.gfile.exists(os.path.join(path, name))]


def rmtree(path: str) -> None:
    """Removes a folder and all in it. TensorFlow's own stumbles over `assets.extra` when it removes `assets`."""
    if path.startswith(f"{SCHEME}://") and tf.io.gfile.isdir(path):
        for name in sorted(listdir(path), reverse=True):
            inner = os.path.join(path, name)
            (rmtree if tf.io.gfile.isdir(inner) else tf.io.gfile.remove)(inner)
    with contextlib.suppress(tf.errors.NotFoundError):  # a folder that only its files made went with them
        _rmtree(path)


class RamFileSystem(FileSystem):
    """`ram://` for Beam, which finds the classes that there are by their schemes."""

    @classmethod
    def scheme(cls) -> str:
        """The part of a URI before `://`."""
        return SCHEME

    def join(self, basepath: str, *paths: str) -> str:
        """Joins parts of a path."""
        return os.path.join(basepath, *paths)

    def split(self, path: str) -> tuple[str, str]:
        """Splits off the last part of a path."""
        head, tail = os.path.split(path)
        return head, tail

    def mkdirs(self, path: str) -> None:
        """Makes a folder, which must not be there."""
        if tf.io.gfile.exists(path):
            raise OSError(f"{path} is there already")
        tf.io.gfile.makedirs(path)

    def has_dirs(self) -> bool:
        """Whether folders are things of their own."""
        return True

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        if not tf.io.gfile.isdir(dir_or_prefix):
            return
        for folder, _, names in tf.io.gfile.walk(dir_or_prefix):
            for name in names:
                yield self.metadata(os.path.join(folder, name))

    def create(
        self,
        path: str,
        mime_type: str = "application/octet-stream",
        compression_type: str = CompressionTypes.AUTO,
    ) -> Any:
        """Opens a new file."""
        return self._open(path, "wb", compression_type)

    def open(
        self,
        path: str,
        mime_type: str = "application/octet-stream",
        compression_type: str = CompressionTypes.AUTO,
    ) -> Any:
        """Opens a file to read."""
        return self._open(path, "rb", compression_type)

    def _open(self, path: str, mode: str, compression_type: str) -> Any:
        kind = FileSystem._get_compression_type(path, compression_type)
        stream = tf.io.gfile.GFile(path, mode)
        return stream if kind == CompressionTypes.UNCOMPRESSED else CompressedFile(stream, kind)

    def copy(self, source_file_names: Sequence[str], destination_file_names: Sequence[str]) -> None:
        """Copies files or folders."""
        for source, target in zip(source_file_names, destination_file_names, strict=True):
            if tf.io.gfile.isdir(source):
                io_utils.copy_dir(source, target)
            else:
                tf.io.gfile.copy(source, target, overwrite=True)

    def rename(self, source_file_names: Sequence[str], destination_file_names: Sequence[str]) -> None:
        """Renames files or folders."""
        for source, target in zip(source_file_names, destination_file_names, strict=True):
            if not tf.io.gfile.exists(source):
                raise BeamIOError("rename", {(source, target): OSError(f"{source} is not there")})
            rename(source, target, overwrite=True)

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        return bool(tf.io.gfile.exists(path))

    def size(self, path: str) -> int:
        """Bytes of a file."""
        return int(tf.io.gfile.stat(path).length)

    def last_updated(self, path: str) -> float:
        """Seconds since the epoch."""
        return float(tf.io.gfile.stat(path).mtime_nsec / 1e9)

    def metadata(self, path: str) -> FileMetadata:
        """Name, size and time of a file."""
        return FileMetadata(path, self.size(path), self.last_updated(path))

    def delete(self, paths: Iterable[str]) -> None:
        """Removes files or folders."""
        for path in paths:
            (rmtree if tf.io.gfile.isdir(path) else tf.io.gfile.remove)(path)
