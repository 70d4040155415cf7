"""Run the commands `gc` and `disk`: print their lines and return their exit status."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from pipelines.retention import plan as planning
from pipelines.retention import records
from pipelines.retention.disk_usage import format_bytes, list_usage
from pipelines.retention.plan import Item, RemovalPlan, make_plan
from pipelines.retention.policy import RetentionPolicy
from pipelines.retention.removal import remove
from pipelines.runner.lock import BusyError, lock_folder
from pipelines.runs.errors import RunError
from serving.file_lock import FileLockedError, exclusive
from serving.rollout.errors import PreconditionError
from serving.rollout.rollout import LOCK

_DONE, _FAILED, _BUSY = 0, 1, 2  # exit statuses
_KINDS = (
    planning.ARTIFACTS, records.RUNS, records.INGESTIONS, records.MONITORING, planning.VERSIONS, planning.LOGS,
)  # fmt: skip


def collect(var: Path, policy: RetentionPolicy, *, apply: bool) -> int:
    """Print what would be removed, remove it if `apply`, and return the exit status: 0 done, 1 failed, 2 busy."""
    try:
        if not apply:
            plan = make_plan(var, policy)
            _print_plan(plan)
            print(f"would free {format_bytes(_size(plan.remove))}; nothing was removed: add --apply to remove it")
            return _DONE
        with lock_folder(var), _hold_rollouts(var / "serving"):
            plan = make_plan(var, policy)
            _print_plan(plan)
            remove(var, plan)
        print(f"freed {format_bytes(_size(plan.remove))}")
    except (BusyError, FileLockedError) as error:
        print(f"error: {error}", file=sys.stderr)
        return _BUSY
    except (RunError, PreconditionError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    return _DONE


@contextlib.contextmanager
def _hold_rollouts(serving: Path) -> Iterator[None]:
    """Hold the roll-outs' lock, so that the serving version cannot change between the decision and the removal.

    Yields:
        Once, while the lock is held.

    Raises:
        FileLockedError: A roll-out is in progress.
    """
    if not serving.is_dir():
        yield
        return
    with exclusive(serving / LOCK, f"gc, process {os.getpid()}"):
        yield


def show_disk(var: Path) -> int:
    """Print what takes space below a folder of runs, and return the exit status: 0 done, 1 no such folder."""
    if not var.is_dir():
        print(f"error: no folder {var}: expected the one that runs wrote to; name --var", file=sys.stderr)
        return _FAILED
    usage = list_usage(var)
    for name, size in usage:
        print(f"{format_bytes(size):>12}  {name}")
    print(f"{format_bytes(sum(size for _, size in usage)):>12}  in all below {var}")
    return _DONE


def _print_plan(plan: RemovalPlan) -> None:
    print(f"{'':14}{'remove':>24}{'keep':>24}")
    for kind in _KINDS:
        cells = [_describe([item for item in items if item.kind == kind]) for items in (plan.remove, plan.keep)]
        print(f"{kind:14}{cells[0]:>24}{cells[1]:>24}")
    for (task, version), reason in sorted(plan.versions.items()):
        print(f"keeps {task} {version} and its lineage: {reason}")


def _describe(items: list[Item]) -> str:
    return f"{len(items):,} with {format_bytes(_size(items))}"


def _size(items: tuple[Item, ...] | list[Item]) -> int:
    return sum(item.size for item in items)
