"""`gc` and `disk`: what takes space, and what may go."""

import os
import warnings
from pathlib import Path
from types import ModuleType
from typing import Annotated

from cyclopts import Parameter

from pipelines.retention.policy import RetentionPolicy
from serving.process_control import gc_paused_imports, hold_stderr

GC_EPILOGUE = """Examples:
  python -m pipelines gc                               what would be removed
  python -m pipelines gc --keep-days 7 --keep-runs 3 --apply

Exit status: 0 done; 1 it cannot be told what serves, or something cannot be
removed; 2 bad usage, or a run or a roll-out is using the folder.
"""
DISK_EPILOGUE = """Examples:
  python -m pipelines disk --var /data/var

Exit status: 0 shown; 1 there is no such folder; 2 bad usage.
"""
_DEFAULT = RetentionPolicy()


def gc(
    *, var: Path = Path("var"), apply: bool = False, policy: Annotated[RetentionPolicy, Parameter(name="*")] = _DEFAULT
) -> int:
    """Say what may be removed, or remove it.

    Never removed: a version that serves, is on trial, or that a rollback goes
    back to; the model and the statistics that the next run is compared with; the
    newest accepted version of each span; a run with a file named pinned in its
    folder; and the lineage of all these.

    The next run makes anew what it would have taken from the cache.
    docs/how-to/retention.md.

    Args:
        var: The folder that the runs wrote to.
        apply: Remove it. Without this, it is only said.
        policy: What is kept.
    """
    return _load().collect(var.absolute(), policy, apply=apply)


def disk(*, var: Path = Path("var")) -> int:
    """Say what takes space below the folder of runs, the largest first.

    Args:
        var: The folder that the runs wrote to.
    """
    return _load().show_disk(var.absolute())


def _load() -> ModuleType:
    """Imports the commands, which load TFX: --help need not wait for it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's own notes on the machine
    with warnings.catch_warnings(), hold_stderr(), gc_paused_imports():
        warnings.simplefilter("ignore", FutureWarning)  # what Google's libraries say of each other
        from pipelines.retention import command
    return command
