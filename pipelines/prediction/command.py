"""Run the command `predict`: find the model, predict with Beam, print the result and return the exit status."""

import hashlib
import logging
import sys
import time
import traceback
from pathlib import Path

from components.batch_predictor.errors import BatchPredictionError
from components.batch_predictor.job import PredictionJob
from components.batch_predictor.prediction import PredictedFiles, parts_folder, predict_files
from components.csv_example_gen import csv_files
from components.pusher.versions import list_versions
from pipelines import deployment
from pipelines.engines.flink import FlinkEngine
from pipelines.engines.local import LocalEngine
from pipelines.explain import explain, is_of_this_project
from pipelines.prediction.options import PredictionOptions
from pipelines.task_definition.problem import BINARY
from pipelines.task_definition.task import Task, load_task
from serving.contract import ContractError
from serving.process_control import raise_if_interrupted

_PREDICTED, _FAILED, _INTERRUPTED = 0, 1, 130  # exit statuses
_MOST_FAULTS = 5  # most kinds of faults that are printed


def predict(options: PredictionOptions) -> int:
    """Predict the rows of files with a pushed model.

    Returns:
        Exit status. 0: every row is predicted. 1: some rows were refused and the output holds the others, or something
        failed and there is no output. 130: interrupted.
    """
    # Beam warns of engine arguments that only TFX defines, and also logs the errors that it raises.
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    try:
        task = load_task(options.task)
        job = make_job(options, task)
        engine = _engine(options, task)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        with engine.session():
            predicted = _predict_files(job, options, engine)
    except KeyboardInterrupt:
        print(f"interrupted; finished parts are kept in {parts_folder(options.out)}", file=sys.stderr)
        return _INTERRUPTED
    except Exception as error:  # Any error is printed with what to do.
        if not (is_of_this_project(error) or isinstance(error, ContractError | OSError)):
            traceback.print_exc()
        print(f"error: {explain(error)}", file=sys.stderr)
        return _FAILED
    _print_result(options, job, predicted, time.monotonic() - began)
    return _FAILED if predicted.counts.refused else _PREDICTED


def _predict_files(job: PredictionJob, options: PredictionOptions, engine: LocalEngine | FlinkEngine) -> PredictedFiles:
    try:
        return predict_files(job, options.out, engine.beam_args())
    except Exception:
        raise_if_interrupted()  # Beam turns an interrupt into its own error.
        raise


def make_job(options: PredictionOptions, task: Task) -> PredictionJob:
    """Return the job: the files, the model version and the threshold.

    Raises:
        SourceError: There is no file to read.
        BatchPredictionError: The version does not exist, or the output is in the folder of the rows.
    """
    model = _find_model(options, task)
    if options.out.parent.resolve() == options.data.resolve():
        raise BatchPredictionError(
            f"--out {options.out}: expected a path outside the folder of the rows, received one in it; its rows would "
            "be predicted the next time."
        )
    return PredictionJob(
        files=tuple(csv_files.find_files(options.data)),
        model=model,
        version=int(model.name),
        threshold=deployment.decision_threshold(task.name) if task.problem == BINARY else None,
        classes=task.classes if task.problem != BINARY else (),
        keep=options.keep or (),
    )


def _find_model(options: PredictionOptions, task: Task) -> Path:
    base = options.var / "serving" / task.name
    versions = sorted(list_versions(base)) if base.is_dir() else []
    version = options.version or max(versions, default=None)
    if version is None:
        raise BatchPredictionError(
            f"no version of {task.name} is pushed: expected one in {base}, received none; run `make run-local`, or "
            "name --task and --var."
        )
    if version not in versions:
        raise BatchPredictionError(
            f"no version {version} of {task.name}: expected one of {', '.join(map(str, versions))} in {base}; name one "
            "of them with --version, or none for the newest."
        )
    return base / str(version)


def _engine(options: PredictionOptions, task: Task) -> LocalEngine | FlinkEngine:
    if options.engine == "local":
        return LocalEngine()
    # A lock allows one prediction at a time per output, so a job of this name is this one's or a killed one's.
    place = hashlib.sha256(str(options.out).encode()).hexdigest()[:8]
    return FlinkEngine.of_cluster(
        options.var / "flink",
        job_name=f"tfx-{task.name}-predict-{place}",
        time_limit=round(60 * options.job_minutes),
    )


def _print_result(options: PredictionOptions, job: PredictionJob, predicted: PredictedFiles, seconds: float) -> None:
    counts = predicted.counts
    rows = counts.predicted + counts.refused
    print(
        f"{options.task}  version {job.version}  {rows:,} rows of {_count(len(job.files), 'file')} in {seconds:.1f} s, "
        f"{rows / seconds:,.0f} rows/s"
    )
    if predicted.resumed:
        print(f"resumed    {predicted.resumed} of {predicted.parts} parts were finished before")
    if predicted.absent:
        print(f"no column  {', '.join(predicted.absent)}: taken as missing in every row")
    decided = ", ".join(f"{name} {number:,}" for name, number in counts.decided.most_common(_MOST_FAULTS))
    print(f"predicted  {counts.predicted:,}{f': {decided}' if decided else ''}")
    print(f"refused    {counts.refused:,}{f'  {predicted.refused}' if predicted.refused else ''}")
    for fault, number in counts.faults.most_common(_MOST_FAULTS):
        print(f"           {number:,} × {fault}")
    if len(counts.faults) > _MOST_FAULTS:
        print(f"           and {_count(len(counts.faults) - _MOST_FAULTS, 'other fault')}")
    print(f"output     {options.out}")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
