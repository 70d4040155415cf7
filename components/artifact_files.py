"""List, read and write files of artifacts on any file system; adds to TFX's fileio and io_utils.

Do not make a `pathlib.Path` of a URI: `Path("gs://bucket/a")` is the local file `gs:/bucket/a`. For a library that
takes only local files, use `local_copy` and `local_folder`; on a local disk they copy nothing.
"""

import contextlib
import json
import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfx import types
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils

_REMOTE = "://"  # in the URI of every file system except the local one
ROWS_ENDING = ".gz"  # every file of rows that this project writes has it


def is_local(uri: str) -> bool:
    """Return whether a URI is a path of this machine.

    Example:
        >>> is_local("/data/Split-train"), is_local("gs://bucket/Split-train")
        (True, False)
    """
    return _REMOTE not in uri


def list_files(folder: str, ending: str = "") -> list[str]:
    """Return the URIs of the files of a folder that are not hidden, sorted; an empty list if there is no such folder.

    Args:
        folder: its URI.
        ending: only names that end with it are listed; with an ending, folders are not left out.
    """
    if not fileio.isdir(folder):
        return []
    names = sorted(name for name in fileio.listdir(folder) if name.endswith(ending) and not name.startswith("."))
    paths = [os.path.join(folder, name) for name in names]
    return [path for path in paths if not fileio.isdir(path)] if not ending else paths


def list_split_files(examples: types.Artifact, split: str) -> list[str]:
    """Return the URIs of the files of rows of one split, sorted, which is the order in which they are read.

    Raises:
        ValueError: The Examples have no such split, or the split has no file.
    """
    files = list_files(artifact_utils.get_split_uri([examples], split), ROWS_ENDING)
    if not files:
        raise ValueError(f"no Examples of split {split!r} in {examples.uri}: expected *.gz files, received none")
    return files


def read_text(uri: str) -> str:
    """Return the text of a UTF-8 file.

    Raises:
        FileNotFoundError: There is no such file.
    """
    return read_bytes(uri).decode()


def read_bytes(uri: str) -> bytes:
    """Return the contents of a file.

    Raises:
        FileNotFoundError: There is no such file.
    """
    if not fileio.exists(uri):
        raise FileNotFoundError(f"{uri}: no such file. Expected what an earlier node wrote; run that node again.")
    return bytes(io_utils.read_bytes_file(uri))


def write_text(uri: str, text: str) -> None:
    """Write a text in UTF-8 and create its folder; other processes see the whole file or none.

    The text is written to a temporary file that is then renamed. Object stores copy it instead of renaming it, and show
    an object only when it is complete.
    """
    unfinished = f"{uri}.{uuid.uuid4().hex}.tmp"
    io_utils.write_bytes_file(unfinished, text.encode())
    fileio.rename(unfinished, uri, overwrite=True)


def write_json(uri: str, document: Any) -> None:
    """Write an indented JSON document with `write_text`.

    Raises:
        ValueError: A number is NaN or infinite.
    """
    write_text(uri, json.dumps(document, indent=2, allow_nan=False) + "\n")


@contextlib.contextmanager
def local_copy(uri: str) -> Iterator[Path]:
    """Yield a local path of a file or folder: its own if it is local, else that of a copy, deleted when the block ends.

    Yields:
        The path. A local path is not checked for existence.

    Raises:
        FileNotFoundError: There is no such remote file or folder.
    """
    if is_local(uri):
        yield Path(uri)
        return
    if not fileio.exists(uri):
        raise FileNotFoundError(
            f"{uri}: no such file or folder. Expected one that an earlier node wrote; run that node again."
        )
    with tempfile.TemporaryDirectory(prefix="artifact-") as folder:
        copy = os.path.join(folder, os.path.basename(uri.rstrip("/")))
        if fileio.isdir(uri):
            io_utils.copy_dir(uri, copy)
        else:
            fileio.copy(uri, copy)
        yield Path(copy)


@contextlib.contextmanager
def local_copies(uris: list[str]) -> Iterator[list[Path]]:
    """Yield local paths of several files, as `local_copy` yields one."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(local_copy(uri)) for uri in uris]


@contextlib.contextmanager
def local_folder(uri: str) -> Iterator[Path]:
    """Yield a local folder to write to, whose files end up in the folder `uri`.

    Yields:
        `uri` itself, created if needed, if it is local. Else an empty temporary folder; its files are copied to `uri`
        if the block ends without an exception. Other files that are already at `uri` stay.
    """
    if is_local(uri):
        folder = Path(uri)
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="artifact-") as scratch:
        yield Path(scratch)
        _copy_into(scratch, uri)


def _copy_into(folder: str, uri: str) -> None:
    """Copy the contents of a local folder; TFX's copy_dir would empty the target first."""
    fileio.makedirs(uri)
    for path in sorted(Path(folder).rglob("*")):
        target = os.path.join(uri, path.relative_to(folder).as_posix())
        if path.is_dir():
            fileio.makedirs(target)
        else:
            fileio.copy(str(path), target, overwrite=True)
