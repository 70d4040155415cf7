"""Finds the run of a notebook, and sets the theme of its plots."""

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
_STEPS = (TRAINER, EVALUATOR)  # a run that did not get past these has nothing to show


class NoRunError(RunError):
    """There is no run to look at. A notebook shows its one line, and stops."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback."""
        return [str(self)]


def var_folder() -> Path:
    """Return the folder that runs write to: the environment variable VAR, or `var`; relative to the project."""
    return PROJECT / os.environ.get("VAR", "var")


def task_name(task: str | None = None) -> str:
    """Return `task`, else the environment variable TASK, as `make run-local` takes it, else `taxi`."""
    return task or os.environ.get("TASK") or "taxi"


def open_runs() -> Runs:
    """Open all runs below `var`."""
    return Runs(var_folder())


def open_run(task: str | None = None) -> Run:
    """Open the run that a notebook is about: RUN_ID from the environment, or the newest of the task that has a model.

    Args:
        task: its name; None: as `task_name` says.

    Raises:
        NoRunError: There is none.
    """
    silence_libraries()
    task, named = task_name(task), os.environ.get("RUN_ID")
    name = task.rpartition(".")[2]  # of a task in a dotted package
    if named:
        return open_runs().open(named, name)
    for run in reversed(open_runs().list(name)):
        reached = run.nodes().set_index("node")["state"].reindex(_STEPS)
        if reached.isin(["ran", "cached"]).all():
            return run
    raise NoRunError(
        f"No run of task {task} below {var_folder()} has a model yet: run `make run-local TASK={task}`, then this "
        "notebook."
    )


def set_theme() -> None:
    """Make plots pictures, with nothing loaded from elsewhere, readable on a dark page, too; tables show all."""
    pd.set_option("display.float_format", "{:,.4g}".format, "display.max_colwidth", None, "display.max_rows", 100)
    charts.use_theme()
    look = alt.theme.get()

    @alt.theme.register("notebook", enable=True)
    def _on_paper() -> alt.theme.ThemeConfig:
        config = look()
        config["config"]["background"] = "white"
        return config

    alt.renderers.enable("png", ppi=144)  # not SVG: a browser's other font would not fit
