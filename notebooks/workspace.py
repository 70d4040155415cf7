"""Find the run that a notebook shows, and set the theme of its plots."""

import os
from pathlib import Path

import altair as alt
import pandas as pd

from pipelines import charts
from pipelines.nodes import EVALUATOR, TRAINER
from pipelines.runs import Run, RunError, Runs
from pipelines.runs.quiet import silence_libraries

__all__ = ["NoRunError", "open_run", "open_runs", "set_theme", "silence_libraries", "task_name", "var_folder"]

PROJECT = Path(__file__).resolve().parents[1]
_STEPS = (TRAINER, EVALUATOR)  # a run in which these did not finish has nothing to show


class NoRunError(RunError):
    """There is no run to show. A notebook prints the message without a traceback, and stops."""

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython prints instead of a traceback."""
        return [str(self)]


def var_folder() -> Path:
    """Return the folder that runs write to: the environment variable VAR, else `var`, relative to the project."""
    return PROJECT / os.environ.get("VAR", "var")


def task_name(task: str | None = None) -> str:
    """Return `task`, else the environment variable TASK, as `make run-local` takes it, else `taxi`."""
    return task or os.environ.get("TASK") or "taxi"


def open_runs() -> Runs:
    """Open all runs below `var`."""
    return Runs(var_folder())


def open_run(task: str | None = None) -> Run:
    """Open the run RUN_ID of the environment, or the task's newest run that has a model.

    Args:
        task: name of the task; None: the one that `task_name` returns.

    Returns:
        The run.

    Raises:
        NoRunError: The task has no run with a model.
    """
    silence_libraries()
    task, named = task_name(task), os.environ.get("RUN_ID")
    name = task.rpartition(".")[2]  # without the package of a dotted name
    if named:
        return open_runs().open(named, name)
    for run in reversed(open_runs().list(name)):
        states = run.nodes().set_index("node")["state"].reindex(_STEPS)
        if states.isin(["ran", "cached"]).all():
            return run
    raise NoRunError(
        f"No run of task {task} below {var_folder()} has a model yet: run `make run-local TASK={task}`, then this "
        "notebook."
    )


def set_theme() -> None:
    """Render plots as PNG on white and show whole tables; the page loads nothing from elsewhere."""
    pd.set_option("display.float_format", "{:,.4g}".format, "display.max_colwidth", None, "display.max_rows", 100)
    charts.use_theme()
    look = alt.theme.get()

    @alt.theme.register("notebook", enable=True)
    def _on_paper() -> alt.theme.ThemeConfig:
        config = look()
        config["config"]["background"] = "white"
        return config

    alt.renderers.enable("png", ppi=144)  # not SVG: a browser's other font would not fit
