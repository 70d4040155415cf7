"""Define Runs, which lists and opens the runs below one folder."""

import functools
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipelines.runs.errors import RunError
from pipelines.runs.leaderboard import tabulate_leaderboard
from pipelines.runs.lineage import Lineage, find_models_trained_on, find_pushing_run, trace_lineage
from pipelines.runs.metadata import Metadata
from pipelines.runs.run import Run
from pipelines.runs.run_record import SUMMARY_FILE, sort_key
from serving.did_you_mean import closest

LATEST = "latest"


class Runs:
    """The runs of all tasks below one folder."""

    def __init__(self, var: Path):
        """Remember the folder; it is read by each method.

        Args:
            var: the folder that the runs wrote to.
        """
        self.var = var

    def list(self, task: str | None = None) -> Sequence[Run]:
        """Return all runs, the newest last, including those that were killed or are still running.

        Args:
            task: only runs of this task.

        Raises:
            RunError: A run's record is damaged, or of an unknown format.
        """
        metadata = functools.cache(functools.partial(Metadata, self.var / "metadata.sqlite"))  # read once for all
        runs = [Run(directory, self.var, metadata) for directory in self._directories()]
        return [run for run in runs if task in (None, run.task)]

    def open(self, run_id: str = LATEST, task: str | None = None) -> Run:
        """Open one run.

        Args:
            run_id: "latest" for the newest that has ended, or the name of a folder below runs/.
            task: the task of the run; None: any.

        Returns:
            The run.

        Raises:
            RunError: There is no such run, or it is of another task.
        """
        directories = {directory.name: directory for directory in self._directories()}
        if run_id != LATEST:
            if run_id not in directories:
                raise RunError(f"no run {run_id!r} below {self.var / 'runs'}: {_known(run_id, list(directories))}")
            run = Run(directories[run_id], self.var)
            if task not in (None, run.task):
                raise RunError(f"run {run_id} is of another task: expected {task}, received {run.task}")
            return run
        for directory in reversed(directories.values()):
            if (directory / SUMMARY_FILE).is_file() and task in (None, (run := Run(directory, self.var)).task):
                return run if task else Run(directory, self.var)
        of_task = f" of task {task}" if task else ""
        raise RunError(f"no run{of_task} has ended below {self.var / 'runs'}: run `make run-local`, or name --var")

    def leaderboard(self, task: str | None = None) -> pd.DataFrame:
        """Tabulate all runs with their metrics, parameters, what changed, and whether the model was pushed.

        Args:
            task: only runs of this task.

        Returns:
            One row per run, the newest last; pipelines.runs.leaderboard describes the columns.

        Raises:
            RunError: A run's record is damaged, or of an unknown format.
        """
        return tabulate_leaderboard(self.list(task))

    def lineage(self, version: str, task: str | None = None) -> Lineage:
        """Trace the data, code and parameters of a pushed version.

        Args:
            version: name of a folder below serving/<task>/.
            task: its task; needed only if two tasks have a version of this name.

        Returns:
            The lineage of the version's model.

        Raises:
            RunError: No run pushed the version, or runs of several tasks did.
        """
        metadata = Metadata(self.var / "metadata.sqlite")
        return trace_lineage(metadata, find_pushing_run(metadata, version, task))

    def models_trained_on(
        self, data: str | Path | None = None, *, span: int | None = None, task: str | None = None
    ) -> pd.DataFrame:
        """Find the models that were trained on some data, directly or through a warm start, and their pushed versions.

        Args:
            data: a CSV file or folder, as the run read it, or its fingerprint; None: all data.
            span: number of the span; None: any.
            task: only models of this task.

        Returns:
            One row per data and model, in the order of training: columns data (folder), files (pattern), fingerprint,
            span, rows, task, run (that trained it), model (folder), trained (UTC), pushed (bool), versions (list).

        Raises:
            RunError: No run read such data.
        """
        return find_models_trained_on(Metadata(self.var / "metadata.sqlite"), data, span=span, task=task)

    def _directories(self) -> Sequence[Path]:
        folder = self.var / "runs"
        found = folder.iterdir() if folder.is_dir() else ()
        return sorted((path for path in found if path.is_dir() and not path.is_symlink()), key=sort_key)


def _known(name: str, known: Sequence[str]) -> str:
    if close := closest(name, known):
        return f"did you mean {close!r}?"
    return f"expected one of {', '.join(known[-5:])}, or {LATEST!r}" if known else "there is none yet"
