"""`gc` and `disk`: remove what is no longer needed, and show what takes space."""

import os
import warnings
from pathlib import Path
from types import ModuleType
from typing import Annotated

from cyclopts import Parameter

from pipelines.retention.policy import RetentionPolicy
from serving.process_control import gc_paused_imports, hold_stderr

GC_EPILOGUE = """Examples:
  python -m pipelines gc                  show what would be removed
  python -m pipelines gc --keep-days 7 --keep-runs 3 --apply

Exit status: 0 done; 1 the serving version cannot be determined, or something
cannot be removed; 2 bad usage, or a run or a roll-out is using the folder.
"""
DISK_EPILOGUE = """Examples:
  python -m pipelines disk --var /data/var

Exit status: 0 shown; 1 there is no such folder; 2 bad usage.
"""
_DEFAULT = RetentionPolicy()


def gc(
    *, var: Path = Path("var"), apply: bool = False, policy: Annotated[RetentionPolicy, Parameter(name="*")] = _DEFAULT
) -> int:
    """List what may be removed, or remove it.

    Never removed: the stable version, the canary, and the version that a
    rollback returns to; the model and the statistics that the next run is
    compared with; the newest accepted version of each span; a run with a file
    named pinned in its folder; and the lineage of all these.

    The next run recomputes what it would have taken from the cache. See
    docs/how-to/retention.md.

    Args:
        var: The folder that the runs wrote to.
        apply: Remove what is listed; without this option, nothing is removed.
        policy: What is kept.

    Returns:
        The exit status.
    """
    return _load().collect(var.absolute(), policy, apply=apply)


def disk(*, var: Path = Path("var")) -> int:
    """List what takes space below the folder of runs, the largest first.

    Args:
        var: The folder that the runs wrote to.

    Returns:
        The exit status.
    """
    return _load().show_disk(var.absolute())


def _load() -> ModuleType:
    """Import the commands late: they load TFX, which --help does not need."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # hides TensorFlow's notes about the machine
    with warnings.catch_warnings(), hold_stderr(), gc_paused_imports():
        warnings.simplefilter("ignore", FutureWarning)  # of Google's libraries about each other
        from pipelines.retention import command
    return command
