"""`submit vertex` as a command: compiles, checks what is there, sends, and says where to look. Loads without TFX."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.cloud_settings import DEFAULT_FILE, EXAMPLE, CloudSettings, CloudSettingsError, read_cloud_settings
from pipelines.engines.errors import EngineError
from pipelines.explain import explain
from pipelines.orchestration.vertex.options import VertexOptions
from serving.durable_file import write_whole
from serving.process_control import gc_paused_imports, hold_stderr

if TYPE_CHECKING:
    from pipelines.orchestration.vertex.job import Job

DONE, FAILED, WRONG_USE = 0, 1, 2


def run(options: VertexOptions) -> int:
    """Does what the options ask, and returns the exit status.

    Returns:
        0: the job is compiled; or sent; or with `wait` has succeeded. 1: it failed, or was not taken. 2: something that
        is needed is missing, and nothing was sent.
    """
    try:
        settings = _read_settings(options)
        job, file = _compile(options, settings)
    except (CloudSettingsError, EngineError) as error:
        return _fail(error, WRONG_USE)
    except Exception as error:  # The boundary: such a job could not begin.
        return _fail(error, FAILED)
    if options.compile_only:
        _say_next(options, settings, job)
        return DONE
    with hold_stderr(), gc_paused_imports():  # Google's clients warn of each other.
        from pipelines.orchestration.vertex import submission

    try:
        return _send(options, settings, job, file)
    except submission.SubmissionError as error:
        return _fail(error, WRONG_USE)
    except Exception as error:  # The boundary: what Google's services answer.
        return _fail(error, FAILED)


def _read_settings(options: VertexOptions) -> CloudSettings:
    if options.compile_only and not options.cloud.exists() and options.cloud == Path(DEFAULT_FILE):
        print(
            f"{DEFAULT_FILE} is not there: compiled with {EXAMPLE.parent.name}/{EXAMPLE.name}, to look at", flush=True
        )
        return read_cloud_settings(EXAMPLE)
    return read_cloud_settings(options.cloud)


def _compile(options: VertexOptions, settings: CloudSettings) -> tuple["Job", Path]:
    with hold_stderr(), gc_paused_imports():
        from absl import logging

        from pipelines.orchestration.vertex.job import compile_job

        logging.set_verbosity(logging.WARNING)
        job = compile_job(options, settings)
    file = options.var / "vertex" / f"{options.name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(job.spec, indent=1, sort_keys=True) + "\n")
    print(f"{file}: {len(job.spec['pipelineSpec']['root']['dag']['tasks'])} nodes")
    return job, file


def _say_next(options: VertexOptions, settings: CloudSettings, job: "Job") -> None:
    print(f"next: copy the rows to {job.places.data}, then python -m pipelines submit vertex --task {options.task}")
    print(f"it will run in {settings.project}, {settings.region}, with artifacts below {job.places.pipeline_root}")


def _send(options: VertexOptions, settings: CloudSettings, job: "Job", file: Path) -> int:
    """Sends the job.

    Raises:
        SubmissionError: Something is missing; nothing was sent.
    """
    from pipelines.orchestration.vertex import submission

    credentials = submission.find_credentials()
    request = submission.build_job(file, settings, job.spec["pipelineSpec"]["pipelineInfo"]["name"], credentials)
    submission.upload(job.uploads, job.places.data, str(options.var / "data" / options.name))
    if options.schedule is not None:
        print(f"scheduled: {submission.schedule(request, settings, options.schedule, credentials)}")
        return DONE
    print(f"submitted: {submission.submit(request, settings)}", flush=True)
    if not options.wait:
        return DONE
    request.wait()  # Raises where the job failed.
    print(f"succeeded; pushed versions are in {job.places.serving}")
    return DONE


def _fail(error: Exception, status: int) -> int:
    print(f"error: {explain(error)}", file=sys.stderr)
    return status
