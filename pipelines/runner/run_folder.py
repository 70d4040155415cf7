"""The folder of a run or a search, and the folder of temporary files meanwhile."""

import contextlib
import datetime
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

BEGUN_FILE = "begun.json"  # in the folder of a run of single nodes, from its first node on


@contextlib.contextmanager
def use_temporary_folder(directory: Path) -> Iterator[None]:
    """Make an empty folder the place for temporary files of this process and its children; removes it at the end.

    Beam and TensorFlow leave files in the system's one when they are killed; ours is emptied by the next run.
    """
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(directory)
    try:
        yield
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def make_run_directory(runs: Path) -> Path:
    """Make a new folder for this run, named after the time (UTC)."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    taken = len(list(runs.glob(f"{now}*")))
    directory = runs / (f"{now}-{taken}" if taken else now)
    directory.mkdir(parents=True)
    return directory


def link_latest(directory: Path) -> None:
    """Make `latest`, beside it, a link to a run's folder."""
    beside = directory.parent / f".latest-{directory.name}"  # Two runs of single nodes may end at the same moment.
    beside.unlink(missing_ok=True)
    beside.symlink_to(directory.name)
    beside.replace(directory.parent / "latest")
