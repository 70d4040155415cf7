"""Which run a job of Kubeflow Pipelines is: the first task of a job names the run, the others find the name."""

import datetime
import os
import re
import uuid
import zlib
from pathlib import Path

_JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class JobError(ValueError):
    """A job's id cannot be used."""


def find_run(var: Path, job: str) -> str:
    """Finds the id of the run that a job is; names it where no task of the job has.

    A run's id is a time, since folders of runs are sorted by it, and a job's id is none. The name stands in
    `jobs/<job>` below `var`. Tasks that begin at the same moment find the same one.

    Args:
        var: the folder of `--var`.
        job: the job's id. After a retry in Kubeflow it is the same, after "clone" another one.

    Returns:
        The run's id.

    Raises:
        JobError: It is no id, as where the backend has not put one in the place of its placeholder.
    """
    if not _JOB.fullmatch(job):
        raise JobError(f"--job: expected the id that Kubeflow Pipelines gave the job, received {job!r}")
    file = var / "jobs" / job
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f".{job}.{uuid.uuid4().hex}")
        beside.write_text(_name_run(job))
        try:
            os.link(beside, file)  # Unlike a rename it never replaces what another task has written meanwhile.
        except FileExistsError:
            pass
        finally:
            beside.unlink()
    return file.read_text()


def _name_run(job: str) -> str:
    """Names a run by the time; the number keeps two jobs apart that begin in the same second."""
    now = datetime.datetime.now(datetime.UTC)
    return f"{now:%Y%m%d-%H%M%S}-{zlib.crc32(job.encode()):010d}"
