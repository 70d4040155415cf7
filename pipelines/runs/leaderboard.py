"""Tabulate all runs: metrics with intervals, parameters, what changed, and whether the model was pushed.

It loads neither TFX nor TensorFlow. Columns of the table:

- run, task, status, started (UTC, datetime), seconds, experiment, note, tags (tuple);
- data (the file or folder), rows, and data_digest: metrics of runs with the same digest are of the same eval rows;
- for each metric on all eval rows, such as auc: `auc`, `auc_low` and `auc_high` (its 95% interval), `auc_change`,
  `auc_change_low` and `auc_change_high` (from the baseline), `auc_meaning` ("better", "worse", …); NaN or empty if
  unknown;
- `param.NAME` for each hyperparameter, and each setting of Trainer such as train_steps;
- before (the run that it is compared with) and changed (phrases, tuple);
- reviewer, review (its state), version (the pushed version of the model), outcome (pushed, or why not).
"""

import dataclasses
import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from pipelines.evaluation.slices import OVERALL
from pipelines.evaluation.weighted_metrics import CENTRED, metrics_of
from pipelines.runs.changes import describe_changes
from pipelines.runs.errors import read_optional
from pipelines.runs.intervals import MetricInterval
from pipelines.runs.parameters import TRAINER_SETTINGS
from pipelines.runs.run import Run
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION

PARAMETER = "param."  # beginning of the names of columns of parameters
ROWS_METRIC = "example_count"  # TFMA's name for the number of rows
_NOT_KNOWN = MetricInterval(low=math.nan, high=math.nan)
_FIRST = (
    "run", "task", "status", "started", "seconds", "experiment", "note", "tags", "data", "rows",
    "data_digest",
)  # fmt: skip
_LAST = ("before", "changed", "reviewer", "review", "version", "outcome")


def tabulate_leaderboard(runs: Sequence[Run]) -> pd.DataFrame:
    """Tabulate runs.

    Each is compared with the newest run of its task before it that has metrics, or else with the newest before it.

    Args:
        runs: the runs, the newest last.

    Returns:
        One row per run, in the same order; the module's docstring describes the columns.
    """
    rows = [_make_row(run, _find_before(runs[:place], run)) for place, run in enumerate(runs)]
    metrics = list_metrics(runs)
    found = dict.fromkeys(name for row in rows for name in row)
    columns = [
        *_FIRST,
        *(name for metric in metrics for name in found if name == metric or _is_about(name, metric)),
        *sorted(name for name in found if name.startswith(PARAMETER)),
        *_LAST,
    ]
    table = pd.DataFrame(rows, columns=list(dict.fromkeys(columns)))
    numbers = {f"{metric}{end}": "float64" for metric in metrics for end in _NUMBER_ENDS}
    return table.astype(numbers).assign(started=pd.to_datetime(table["started"], utc=True, errors="coerce"))


def list_metrics(runs: Iterable[Run]) -> list[str]:
    """Return the metrics that any of the runs has on all eval rows, except counts, the most important first."""
    found = {name for run in runs for name in run.summary["metrics"].get(OVERALL, {})} - {ROWS_METRIC}
    known = [name for problem in (BINARY, MULTICLASS, REGRESSION) for name in metrics_of(problem)]
    order = {name: place for place, name in enumerate(name for name in known if name not in CENTRED)}
    return sorted(found, key=lambda name: (order.get(name, len(order)), name))


def digest_data(run: Run) -> str:
    """Return a digest of a run's rows and their split, 8 hex digits; empty if it read no files."""
    lineage = read_optional(run.lineage)
    if lineage is None or lineage.data is None:
        return ""
    return hashlib.sha256(f"{lineage.data.fingerprint}\n{lineage.data.split}".encode()).hexdigest()[:8]


def read_settings(run: Run) -> dict[str, Any]:
    """Return the hyperparameters of a run and the settings of its Trainer, by name; empty if it did not train."""
    lineage = read_optional(run.lineage)
    if lineage is None or lineage.model is None:
        return {}
    settings = {
        name.removeprefix(TRAINER_SETTINGS): value
        for name, value in lineage.parameters.items()
        if name.startswith(TRAINER_SETTINGS)
    }
    return settings | dict(lineage.hyperparameters)


_NUMBER_ENDS = ("", "_low", "_high", "_change", "_change_low", "_change_high")


def _is_about(column: str, metric: str) -> bool:
    return column.removeprefix(metric) in (*_NUMBER_ENDS, "_meaning")


def _find_before(earlier: Sequence[Run], run: Run) -> Run | None:
    of_task = [one for one in earlier if one.task == run.task]
    evaluated = [one for one in of_task if one.summary["metrics"]]
    return next(reversed(evaluated or of_task), None)


def _make_row(run: Run, before: Run | None) -> dict[str, Any]:
    summary, review = run.summary, run.summary["review"] or {}
    return {
        "run": run.id,
        "task": run.task,
        "status": run.status,
        "started": run.started or None,
        "seconds": summary["seconds"],
        "experiment": run.experiment,
        "note": run.note or "",
        "tags": run.tags,
        "data": summary["data"],
        "rows": sum(summary["rows"].values()),
        "data_digest": digest_data(run),
        **_list_metric_cells(summary["metrics"].get(OVERALL, {}), run.intervals()),
        **{f"{PARAMETER}{name}": value for name, value in read_settings(run).items()},
        "before": before.id if before else None,
        "changed": describe_changes(before, run) if before else (),
        "reviewer": review.get("reviewer") if review.get("state") == "valid" else None,
        "review": review.get("state", ""),
        "version": run.version,
        "outcome": run.outcome,
    }


def _list_metric_cells(
    metrics: Mapping[str, float | None], intervals: Mapping[str, MetricInterval]
) -> dict[str, float | str | None]:
    cells: dict[str, float | str | None] = {}
    for name, value in metrics.items():
        if name != ROWS_METRIC:
            about = {f"{name}_{key}": cell for key, cell in dataclasses.asdict(intervals.get(name, _NOT_KNOWN)).items()}
            cells |= {name: value, **about}
    return cells
