"""Run the commands `continuous` and `status`: take passes of the loop, or print its state. Loads without TFX."""

import datetime
import os
import sys
import time
from collections.abc import Callable

from pipelines.production_metrics.windows import parse_length
from pipelines.retraining.context import LoopContext, utc_now
from pipelines.retraining.decision import decide
from pipelines.retraining.decision_log import DecisionLogError
from pipelines.retraining.journal import JournalError, JournalStore
from pipelines.retraining.looking import LookingError, observe
from pipelines.retraining.loop import take_pass
from pipelines.retraining.options import ContinuousOptions
from pipelines.retraining.policy import PolicyError, read_policy
from pipelines.retraining.state import describe_waiting, print_state
from pipelines.runs.errors import RunError
from serving.file_lock import FileLockedError, exclusive
from serving.process_control import remember_interrupts
from serving.rollout.errors import PreconditionError

LOCK_FILE = ".lock"
_DONE, _FAILED, _BUSY, _INTERRUPTED = 0, 1, 2, 130
_ERRORS = (DecisionLogError, JournalError, LookingError, OSError, PolicyError, PreconditionError, RunError)


def run_loop(options: ContinuousOptions) -> int:
    """Take one pass, or pass after pass; with `dry_run`, only print what would be decided.

    Args:
        options: of the command line.

    Returns:
        The exit status. 0: nothing failed. 1: a step failed, a gate or a comparison refused the model, or a file cannot
        be used. 2: another loop of the task is running, or a run uses `var`. 130: interrupted.
    """
    return _guarded(lambda: _explain(options) if options.dry_run else _run(options))


def show_state(options: ContinuousOptions, count: int) -> int:
    """Print the loop's state, its last decisions, and when a training is due next; return the exit status."""
    return _guarded(lambda: print_state(options, read_policy(options.task), count))


def _guarded(body: Callable[[], int]) -> int:
    try:
        with remember_interrupts():
            return body()
    except FileLockedError as error:
        holder = error.holder or "unknown"
        print(
            f"error: another loop of this task (process {holder}) is running: wait for it, or stop it", file=sys.stderr
        )
        return _BUSY
    except _ERRORS as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print("interrupted; the next call continues from here", file=sys.stderr)
        return _INTERRUPTED


def _run(options: ContinuousOptions) -> int:
    options.folder.mkdir(parents=True, exist_ok=True)
    with exclusive(options.folder / LOCK_FILE, str(os.getpid())):
        if options.once:
            return take_pass(_context(options))
        while True:
            _sleep(options, _try_pass(options))


def _context(options: ContinuousOptions) -> LoopContext:
    return LoopContext(options=options, policy=read_policy(options.task))  # read again: it may have been edited


def _try_pass(options: ContinuousOptions) -> datetime.datetime | None:
    """Take one pass of many, and return when its next step is due; print an error, and let the next pass retry."""
    try:
        take_pass(_context(options))
        journal = JournalStore(options.folder).read()
    except _ERRORS as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return None
    return None if journal is None else journal.not_before


def _sleep(options: ContinuousOptions, due: datetime.datetime | None) -> None:
    """Sleep for the interval, or until the waiting step is due if that is earlier."""
    now = utc_now()
    until = now + parse_length(options.interval)
    if due is not None and due > now:
        until = min(until, due)
    print(f"next pass  {until:%Y-%m-%d %H:%M} UTC", flush=True)
    time.sleep((until - now).total_seconds())


def _explain(options: ContinuousOptions) -> int:
    """Print what would be decided now."""
    policy = read_policy(options.task)
    journal = JournalStore(options.folder).read()
    waiting = None if journal is None or journal.decision is None else describe_waiting(journal)
    seen = observe(options, policy, utc_now(), {}, waiting=waiting)
    decision = decide("dry-run", policy, seen)
    for reason in decision.reasons:
        print(reason)
    spans = ", ".join(f"{name} v{version}" for name, version in decision.spans.items()) or "none"
    print(f"spans      {spans}: {decision.rows:,} rows")
    print(f"decision   {'train' if decision.act else 'no training'}; policy {policy.policy}")
    skipped = "new spans are not ingested, and the traffic is as monitoring last judged it"
    print(f"dry run    nothing ran and nothing was written; {skipped}")
    return _DONE
