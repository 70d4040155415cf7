"""Map a job of Kubeflow Pipelines to a run: the job's first task chooses the run's id, the other tasks read it."""

import datetime
import os
import re
import uuid
import zlib
from pathlib import Path

_JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class JobError(ValueError):
    """The id of a job cannot be used."""


def find_run(var: Path, job: str) -> str:
    """Return the run's id of a job; choose it if this is the first task of the job that asks.

    A run's id is a time, because folders of runs are sorted by it; a job's id is not. The file `jobs/<job>` below
    `var` holds the run's id. Tasks that begin at the same moment get the same one.

    Args:
        var: the folder of `--var`.
        job: the job's id. A retry in Kubeflow keeps it; a clone has a new one.

    Returns:
        The run's id.

    Raises:
        JobError: The text is no id, for example a placeholder that the backend has not replaced.
    """
    if not _JOB.fullmatch(job):
        raise JobError(f"--job: expected the id that Kubeflow Pipelines gave the job, received {job!r}")
    file = var / "jobs" / job
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{job}.{uuid.uuid4().hex}")
        draft.write_text(_name_run(job))
        try:
            os.link(draft, file)  # unlike a rename, never replaces the file of a task that was faster
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return file.read_text()


def _name_run(job: str) -> str:
    """Return a run's id: the time, and a number that differs between jobs that begin in the same second."""
    now = datetime.datetime.now(datetime.UTC)
    return f"{now:%Y%m%d-%H%M%S}-{zlib.crc32(job.encode()):010d}"
