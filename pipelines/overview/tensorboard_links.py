"""Make a log folder for TensorBoard with a link per training, named by time, experiment and architecture."""

import functools
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pipelines.nodes import TRAINER
from pipelines.runs import Run, RunError
from pipelines.runs.errors import read_optional
from pipelines.runs.leaderboard import read_settings

_LOGS = "tensorboard"  # in the ModelRun artifact; pipelines.modeling.fitting writes it
_ARCHITECTURE = "architecture"
_UNFIT = re.compile(r"[^\w.+-]+")


def link_trainings(runs: Sequence[Run], folder: Path) -> list[Path]:
    """Replace `folder` by one with a link to the logs of each training.

    A run whose Trainer came from the cache has no link, because another run trained its model.

    Args:
        runs: the newest last.
        folder: used only by this function; its content is removed.

    Returns:
        The links.

    Raises:
        RunError: No run has logs.
    """
    found = {name_training(run): read_optional(functools.partial(_find_logs, run)) for run in runs}
    targets = {name: logs for name, logs in found.items() if logs is not None}
    if not targets:
        raise RunError(
            "no run left logs for TensorBoard: expected one whose Trainer ran and whose artifacts are kept; run "
            "`make run-local`"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    for name, logs in targets.items():
        link = made / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(logs, link.parent), target_is_directory=True)
    made.chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)
    return [folder / name for name in targets]


def name_training(run: Run) -> str:
    """Return a readable name of a training, such as `taxi/20261121-163842_night_wide_and_deep`."""
    architecture = read_settings(run).get(_ARCHITECTURE)
    words = (run.id, run.experiment, architecture, *(f"+{tag}" for tag in run.tags))
    return f"{run.task}/{'_'.join(_UNFIT.sub('-', str(word)) for word in words if word)}"


def _find_logs(run: Run) -> Path | None:
    ran = any(node["id"] == TRAINER and node["state"] == "ran" for node in run.summary["nodes"])
    logs = run.artifact(TRAINER, "model_run") / _LOGS if ran else None
    return logs if logs is not None and logs.is_dir() else None
