"""Create the folder of a run or a search, and a folder of temporary files for its time."""

import contextlib
import datetime
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

BEGUN_FILE = "begun.json"  # in the folder of a run whose nodes an orchestrator starts, from the first node on


@contextlib.contextmanager
def use_temporary_folder(directory: Path) -> Iterator[None]:
    """Use an empty folder for temporary files of this process and its children, and remove it at the end.

    Beam and TensorFlow leave temporary files when they are killed. The next run empties this folder.

    Args:
        directory: the folder; what is in it is removed.

    Yields:
        Nothing.
    """
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(directory)
    try:
        yield
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def make_run_directory(runs: Path) -> Path:
    """Create a folder for this run, named after the time (UTC), and return its path."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    taken = len(list(runs.glob(f"{now}*")))
    directory = runs / (f"{now}-{taken}" if taken else now)
    directory.mkdir(parents=True)
    return directory


def link_latest(directory: Path) -> None:
    """Make `latest`, next to a run's folder, a link to it."""
    link = directory.parent / f".latest-{directory.name}"  # Its own name, since two runs may end at the same moment.
    link.unlink(missing_ok=True)
    link.symlink_to(directory.name)
    link.replace(directory.parent / "latest")
