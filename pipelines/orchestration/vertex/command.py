"""Run `submit vertex`: compile the job, check credentials and rows, send it, and print its URL. Loads without TFX."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.cloud_settings import DEFAULT_FILE, EXAMPLE, CloudSettings, CloudSettingsError, read_cloud_settings
from pipelines.engines.errors import EngineError
from pipelines.explain import explain
from pipelines.orchestration.vertex.options import VertexOptions
from pipelines.runner.command import describe_unwritable
from serving.durable_file import write_whole
from serving.process_control import gc_paused_imports, hold_stderr

if TYPE_CHECKING:
    from pipelines.orchestration.vertex.job import Job

DONE, FAILED, WRONG_USE = 0, 1, 2


def run(options: VertexOptions) -> int:
    """Compile a job, and send it unless the options say to compile only.

    Args:
        options: of the command line.

    Returns:
        The exit status. 0: the job is compiled, sent, or with `wait` has succeeded. 1: the job failed or was refused,
        or it cannot be compiled or written. 2: settings, credentials or rows are missing; nothing was sent.
    """
    try:
        settings = _read_settings(options)
        job, file = _compile(options, settings)
    except (CloudSettingsError, EngineError) as error:
        return _fail(error, WRONG_USE)
    except OSError as error:
        if not _is_unwritable(error, options.var):
            return _fail(error, FAILED)
        print(f"error: {describe_unwritable(options.var, error)}", file=sys.stderr)
        return FAILED
    except Exception as error:  # any error of the task's code: such a job could not begin
        return _fail(error, FAILED)
    if options.compile_only:
        _print_next(options, settings, job)
        return DONE
    with hold_stderr(), gc_paused_imports():  # hides the warnings of Google's clients about each other
        from pipelines.orchestration.vertex import submission

    try:
        return _send(options, settings, job, file)
    except submission.SubmissionError as error:
        return _fail(error, WRONG_USE)
    except Exception as error:  # any error of Google's services
        return _fail(error, FAILED)


def _read_settings(options: VertexOptions) -> CloudSettings:
    if options.compile_only and not options.cloud.exists() and options.cloud == Path(DEFAULT_FILE):
        print(
            f"there is no {DEFAULT_FILE}: compiling with {EXAMPLE.parent.name}/{EXAMPLE.name}, as an example only",
            flush=True,
        )
        return read_cloud_settings(EXAMPLE)
    return read_cloud_settings(options.cloud)


def _compile(options: VertexOptions, settings: CloudSettings) -> tuple["Job", Path]:
    file = options.var / "vertex" / f"{options.name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)  # fails before TFX is loaded, which takes seconds
    with hold_stderr(), gc_paused_imports():
        from absl import logging

        from pipelines.orchestration.vertex.job import compile_job

        logging.set_verbosity(logging.WARNING)
        job = compile_job(options, settings)
    write_whole(file, json.dumps(job.spec, indent=1, sort_keys=True) + "\n")
    print(f"{file}: {len(job.spec['pipelineSpec']['root']['dag']['tasks'])} nodes")
    return job, file


def _print_next(options: VertexOptions, settings: CloudSettings, job: "Job") -> None:
    print(f"next: copy the rows to {job.places.data}, then python -m pipelines submit vertex --task {options.task}")
    print(f"it will run in {settings.project}, {settings.region}, with artifacts below {job.places.pipeline_root}")


def _send(options: VertexOptions, settings: CloudSettings, job: "Job", file: Path) -> int:
    """Upload the job's files, and send the job or create its schedule."""
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
    request.wait()  # raises an error if the job failed
    print(f"succeeded; pushed versions are in {job.places.serving}")
    return DONE


def _is_unwritable(error: OSError, var: Path) -> bool:
    """Return whether `var`, something below it, or a folder above it cannot be written."""
    if error.filename is None or isinstance(error, FileNotFoundError):
        return False
    path = Path(str(error.filename))
    return path.is_relative_to(var) or var.is_relative_to(path)


def _fail(error: Exception, status: int) -> int:
    print(f"error: {explain(error)}", file=sys.stderr)
    return status
