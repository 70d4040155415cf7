"""Files of artifacts on whatever file system the pipeline root is on: what TFX's fileio and io_utils lack.

A URI is never made a `pathlib.Path`: `Path("gs://bucket/a")` is the local file `gs:/bucket/a`. Where a library takes
nothing but files of this machine, `local_copy` and `local_folder` give it some; on a local disk they cost nothing.
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

_REMOTE = "://"  # in the URI of every file system but that of this machine
ROWS_ENDING = ".gz"  # of every file of rows that this project writes


def is_local(uri: str) -> bool:
    """Tells whether a URI is a path of this machine."""
    return _REMOTE not in uri


def list_files(folder: str, ending: str = "") -> list[str]:
    """Lists the files of a folder that are not hidden, sorted; none where there is no such folder.

    Args:
        folder: its URI.
        ending: of the names that count.
    """
    if not fileio.isdir(folder):
        return []
    names = sorted(name for name in fileio.listdir(folder) if name.endswith(ending) and not name.startswith("."))
    paths = [os.path.join(folder, name) for name in names]
    return [path for path in paths if not fileio.isdir(path)] if not ending else paths


def list_split_files(examples: types.Artifact, split: str) -> list[str]:
    """Lists the files of rows of one split, sorted: the order in which they are read.

    Raises:
        ValueError: The Examples have no such split, or no file of it.
    """
    files = list_files(artifact_utils.get_split_uri([examples], split), ROWS_ENDING)
    if not files:
        raise ValueError(f"no Examples of split {split!r} in {examples.uri}: expected *.gz files, received none")
    return files


def read_text(uri: str) -> str:
    """Reads a text in UTF-8.

    Raises:
        FileNotFoundError: It is not there.
    """
    return read_bytes(uri).decode()


def read_bytes(uri: str) -> bytes:
    """Reads a whole file.

    Raises:
        FileNotFoundError: It is not there.
    """
    if not fileio.exists(uri):
        raise FileNotFoundError(f"{uri}: no such file. Expected what an earlier node wrote; run that node again.")
    return bytes(io_utils.read_bytes_file(uri))


def write_text(uri: str, text: str) -> None:
    """Writes a text in UTF-8: whole or not at all, as far as the file system renames at once; makes its folder.

    Object stores copy where others rename, and show an object when it is complete.
    """
    unfinished = f"{uri}.{uuid.uuid4().hex}.tmp"
    io_utils.write_bytes_file(unfinished, text.encode())
    fileio.rename(unfinished, uri, overwrite=True)


def write_json(uri: str, document: Any) -> None:
    """Writes a JSON document for people and programs: indented, without NaN; as `write_text` does.

    Raises:
        ValueError: A number is NaN or infinite.
    """
    write_text(uri, json.dumps(document, indent=2, allow_nan=False) + "\n")


@contextlib.contextmanager
def local_copy(uri: str) -> Iterator[Path]:
    """Gives a file or folder as one of this machine: itself where it is one, else a copy until the block ends.

    Raises:
        FileNotFoundError: A file of another file system is not there.
    """
    if is_local(uri):
        yield Path(uri)
        return
    if not fileio.exists(uri):
        raise FileNotFoundError(f"{uri}: no such file or folder. Expected what an earlier node wrote; run it again.")
    with tempfile.TemporaryDirectory(prefix="artifact-") as folder:
        copy = os.path.join(folder, os.path.basename(uri.rstrip("/")))
        if fileio.isdir(uri):
            io_utils.copy_dir(uri, copy)
        else:
            fileio.copy(uri, copy)
        yield Path(copy)


@contextlib.contextmanager
def local_copies(uris: list[str]) -> Iterator[list[Path]]:
    """Gives several files as `local_copy` gives one."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(local_copy(uri)) for uri in uris]


@contextlib.contextmanager
def local_folder(uri: str) -> Iterator[Path]:
    """Gives a folder of this machine to write to, whose files go to `uri`.

    It is `uri` itself, made where it is not there, if that is local. Else an empty one, which is copied there when the
    block ends without an exception; what lies at `uri` stays, but for files of the same names.
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
    """Copies what is in a local folder; TFX's copy_dir would empty the target first."""
    fileio.makedirs(uri)
    for path in sorted(Path(folder).rglob("*")):
        target = os.path.join(uri, path.relative_to(folder).as_posix())
        if path.is_dir():
            fileio.makedirs(target)
        else:
            fileio.copy(str(path), target, overwrite=True)
