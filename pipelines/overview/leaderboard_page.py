"""Write the leaderboard: one sortable HTML page with all runs of a task, which loads nothing from the network."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pipelines import charts
from pipelines.charts.runs import EXPERIMENT, NOT_PUSHED, PUSHED
from pipelines.evaluation.weighted_metrics import DIRECTED, SMALLER_IS_BETTER
from pipelines.overview.leaderboard_rows import describe_rows, find_shared_parameters
from pipelines.report.numbers import format_metric
from pipelines.report.rendering import inline_json, inline_script, make_environment, read_script, read_style
from pipelines.report.vega import Figure, bundle_vega, make_figure
from pipelines.runs import Run, RunError, Runs
from pipelines.runs.leaderboard import list_metrics, tabulate_leaderboard
from serving.durable_file import write_whole

_TEMPLATES = Path(__file__).with_name("templates")
_PLOTTED = 2  # metrics that are plotted over time
_SINCE = "%m-%d %H:%M"


def write_leaderboard(var: Path, task: str) -> Path:
    """Write the leaderboard's page, whole or not at all.

    Args:
        var: the folder that the runs wrote to.
        task: name of the task.

    Returns:
        Path of the page: `var`/leaderboard/<task>.html.

    Raises:
        RunError: The task has no run, or a run's record cannot be read.
    """
    runs = Runs(var).list(task)
    if not runs:
        known = ", ".join(sorted({run.task for run in Runs(var).list() if run.task})) or "none"
        raise RunError(
            f"no run of task {task} below {var / 'runs'}: expected one of the tasks with runs ({known}); name it with "
            f"--task, or run `make run-local TASK={task}`"
        )
    path = var / "leaderboard" / f"{task}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, render(runs, path.parent, var / "cache"))
    return path


def render(runs: Sequence[Run], folder: Path, cache: Path) -> str:
    """Return the page as HTML.

    Args:
        runs: of one task, the newest last.
        folder: the page's folder; links to reports are relative to it.
        cache: a folder for what pages share.
    """
    table, metrics = tabulate_leaderboard(runs), list_metrics(runs)
    links = {run.id: os.path.relpath(run.directory / "report.html", folder) for run in runs if _has_report(run)}
    return (
        make_environment(_TEMPLATES)
        .get_template("leaderboard.html.jinja")
        .render(
            task=runs[-1].task,
            rows=describe_rows(table, metrics, links),
            metrics=[
                {"name": name, "smaller": name in SMALLER_IS_BETTER, "directed": name in DIRECTED} for name in metrics
            ],
            lead=_describe_best(table, metrics),
            shared=find_shared_parameters(table),
            data_sets=sorted(set(table["data_digest"]) - {""}),
            without_intervals=_count_without_intervals(table, metrics),
            figures=[_plot(table, name) for name in metrics[:_PLOTTED]],
            themes=inline_json({scheme: charts.make_config(scheme) for scheme in charts.SCHEMES}),
            vega=inline_script(bundle_vega(cache)),
            script=read_script(),
            sorting=inline_script((_TEMPLATES / "leaderboard.js").read_text(encoding="utf-8")),
            style=read_style(),
        )
    )


def _has_report(run: Run) -> bool:
    return (run.directory / "report.html").is_file()


def _describe_best(table: pd.DataFrame, metrics: Sequence[str]) -> str:
    """Return which of the runs on the newest known rows is best by the first metric that has a better direction."""
    known = table[table[list(metrics)].notna().any(axis=1)]
    if known.empty:
        return "No run has metrics yet."
    known_rows = known[known["data_digest"] != ""]
    if known_rows.empty:
        return "It is not known which runs were evaluated on the same rows."
    same_rows = known_rows[known_rows["data_digest"] == known_rows["data_digest"].iloc[-1]]
    metric = next((name for name in metrics if name in DIRECTED and same_rows[name].notna().any()), None)
    if metric is None:
        return "No metric here tells which run is the best."
    values = same_rows[metric]
    best = table.loc[values.idxmin() if metric in SMALLER_IS_BETTER else values.idxmax()]
    among = "" if len(same_rows) == len(known) else f" of the {len(same_rows)} on the newest known rows"
    return f"Best {metric}{among}: {format_metric(best[metric])}, run {best['run']}: {best['outcome']}."


def _count_without_intervals(table: pd.DataFrame, metrics: Sequence[str]) -> int:
    if not metrics:
        return 0
    return int((table[metrics[0]].notna() & table[[f"{name}_low" for name in metrics]].isna().all(axis=1)).sum())


def _plot(table: pd.DataFrame, metric: str) -> Figure:
    known = table[table[metric].notna()]
    frame = pd.DataFrame(
        {
            "run": known["run"],
            "started": known["started"].dt.strftime(_SINCE),
            "value": known[metric],
            "low": known[f"{metric}_low"],
            "high": known[f"{metric}_high"],
            "outcome": [_classify(row) for row in known.to_dict("records")],
        }
    )
    caption = "With 95% intervals; a line joins the pushed runs."
    return make_figure(f"{metric} over time", charts.plot_metric_over_runs(frame, metric), caption)


def _classify(row: dict[str, Any]) -> str:
    if row["experiment"] is not None:
        return EXPERIMENT
    return PUSHED if row["version"] is not None else NOT_PUSHED
