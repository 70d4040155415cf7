"""Measure a task's production metrics from request log, feedback and runs, for a command and monitoring's page."""

import datetime
from collections.abc import Sequence
from pathlib import Path

from pipelines.deployment import decision_threshold
from pipelines.production_metrics.logged_predictions import LoggedPredictions, find_newest, read_logged_predictions
from pipelines.production_metrics.measurement import measure_production
from pipelines.production_metrics.records import ProductionMetrics
from pipelines.production_metrics.reference import read_reference
from pipelines.production_metrics.windows import Window, first_moment, split_windows
from pipelines.runs import Runs
from pipelines.task_definition.task import load_task
from serving.request_log.columns import REQUEST_TIME


def measure_task(
    task: str, var: Path, *, log: Path, feedback: Path, length: datetime.timedelta, most: int
) -> ProductionMetrics:
    """Measure the newest windows of a task.

    Args:
        task: its name, or a dotted package.
        var: the folder that the runs wrote to.
        log: folder of the request log.
        feedback: folder of the outcomes.
        length: of a window.
        most: the most windows to measure.

    Returns:
        The metrics.

    Raises:
        ProductionMetricsError: The log, the feedback or the task cannot be used.
        RunError: No run pushed a version that answered, or its artifacts are gone.
    """
    start = first_moment(find_newest(log), length, most)  # reads only these windows: a whole log may not fit in memory
    predictions = read_logged_predictions(log, feedback, start)
    times = predictions.rows[REQUEST_TIME]
    windows = split_windows(times.min().to_pydatetime(), times.max().to_pydatetime(), length, most)
    return _measure(task, var, predictions, windows)


def measure_window(task: str, var: Path, *, log: Path, feedback: Path, window: Window) -> ProductionMetrics:
    """Measure one window; arguments and errors as for `measure_task`."""
    return _measure(task, var, read_logged_predictions(log, feedback, window.start), [window])


def _measure(task: str, var: Path, predictions: LoggedPredictions, windows: Sequence[Window]) -> ProductionMetrics:
    runs, name = Runs(var), task.rpartition(".")[2]
    return measure_production(
        predictions,
        windows,
        lambda version: read_reference(runs, name, version),
        task=name,
        threshold=decision_threshold(name),
        min_rows=load_task(task).min_slice_rows,
    )
