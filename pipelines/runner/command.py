"""A run as a command: the folder's lock, the log, the record, and the exit status.

It loads without TFX, so that bad usage and a busy folder need not wait for it.
"""

import contextlib
import datetime
import errno
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pipelines.explain import explain
from pipelines.options import RunOptions
from pipelines.runner.lock import BusyError, lock_folder
from pipelines.runner.run_folder import link_latest, make_run_directory, use_temporary_folder
from pipelines.runner.run_log import redirect_output
from pipelines.runner.summary import (
    EXPERIMENT,
    FAILED,
    INTERRUPTED,
    PUSHED,
    REFUSED,
    TIE,
    UNCHANGED,
    Experiment,
    Summary,
)
from pipelines.spans.errors import SpanError
from serving.process_control import gc_paused_imports, remember_interrupts

if TYPE_CHECKING:
    from rich.console import Console

Fill = Callable[[RunOptions, "Console", Summary], None]
_EXIT_STATUS = {PUSHED: 0, UNCHANGED: 0, TIE: 0, EXPERIMENT: 0, REFUSED: 1, FAILED: 1, INTERRUPTED: 130}
_CANNOT_WRITE, _NO_SPANS, _BUSY = 1, 1, 2  # exit statuses before there is a run
_UNWRITABLE = frozenset({errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC, errno.ENOTDIR, errno.EROFS})
_SPARE_BYTES = 1 << 20  # a disk with less left is called full


def run(options: RunOptions) -> int:
    """Run the pipeline and returns the exit status.

    Returns:
        0: a model that passed every gate is in place; or it is a tie, or an experiment, and nothing was to be pushed.
        1: a gate refused it, a node failed, `var` cannot be written, or a chosen span is not accepted.
        2: another run is using `var`. 130: interrupted.
    """
    try:
        if options.spans is not None:  # Before anything is written, or TFX loaded, which takes seconds.
            require_spans(options)
        with remember_interrupts(), lock_folder(options.var), use_temporary_folder(options.var / "tmp"):
            directory = make_run_directory(options.var / "runs")
            terminal = sys.stdout if options.verbose else redirect_output(directory / "run.log")
            return record_run(options, directory, terminal)
    except SpanError as error:
        print(f"error: {error}", file=sys.stderr)
        return _NO_SPANS
    except BusyError as error:
        print(f"error: {error}", file=sys.stderr)
        return _BUSY
    except OSError as error:
        print(f"error: {describe_unwritable(options.var, error)}", file=sys.stderr)
        return _CANNOT_WRITE


def require_spans(options: RunOptions) -> None:
    """Raise SpanError where the choice of spans leaves none; by which contract they were judged is asked later."""
    from pipelines.accepted_choice import choose_accepted_spans  # Imported here: it loads ML Metadata.

    assert options.spans is not None
    choose_accepted_spans(options.spans, options.name, options.var / "metadata.sqlite")


def record_run(options: RunOptions, directory: Path, terminal: TextIO, fill: Fill | None = None) -> int:
    """Run the pipeline; whatever happens, a record is left and the terminal says what to do.

    Args:
        options: of the run.
        directory: of the run.
        terminal: where the run is told.
        fill: what fills in the summary; None: run the whole pipeline here. It may say when the run began.

    Returns:
        The exit status.
    """
    from rich.console import Console  # Imported here: --help and a busy folder need not wait for it.

    from pipelines.runner import final_report
    from pipelines.runner.progress import show_spinner

    console = Console(file=terminal, highlight=False)
    live = console.is_terminal and not options.verbose
    begin = time.monotonic()
    summary = Summary(
        run_id=directory.name,
        task=options.task,
        data=str(options.data or "the task's own"),
        started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        experiment=None
        if options.experiment is None
        else Experiment(name=options.experiment, note=options.note, tags=options.tag),
    )
    console.print(f"[bold]{options.task}[/]  run {directory.name}", soft_wrap=True)
    try:
        with show_spinner(console, "loading TFX", live=live), gc_paused_imports():
            from pipelines.runner import local_run
        (fill or local_run.run_pipeline)(options, console, summary)
    except KeyboardInterrupt:
        summary.status, summary.error = INTERRUPTED, "interrupted; finished nodes are kept"
    except Exception as error:  # The boundary: the record and the terminal say it, the log has the traceback.
        traceback.print_exc()
        summary.fail(describe_unwritable(options.var, error) if _is_about(error, options.var) else explain(error))
    summary.seconds = summary.seconds or time.monotonic() - begin
    _write_record(summary, directory)
    with show_spinner(console, "writing the report", live=live):
        final_report.write_report_page(summary, options.var)
    with contextlib.suppress(OSError):  # The record is there; it only does not name the report.
        summary.write(directory)
    final_report.print_final_report(console, summary, directory)
    return _EXIT_STATUS[summary.status]


def _write_record(summary: Summary, directory: Path) -> None:
    """Write the record. Where a run failed, says so if the disk is why: libraries have many names for that."""
    if summary.status == FAILED:
        try:
            with tempfile.TemporaryFile(dir=directory) as file:
                file.write(bytes(_SPARE_BYTES))
        except OSError as error:
            summary.fail(describe_unwritable(directory, error))
    try:
        summary.write(directory)
        link_latest(directory)
    except OSError as error:
        summary.fail(describe_unwritable(directory, error))


def _is_about(error: Exception, directory: Path) -> bool:
    """Tell whether an error says that something below `directory` cannot be written."""
    return (
        isinstance(error, OSError)
        and error.errno in _UNWRITABLE
        and Path(str(error.filename)).is_relative_to(directory)
    )


def describe_unwritable(path: Path, error: Exception) -> str:
    """Describe an error of a folder that a run must write to."""
    return f"cannot write below {path}: {error}; free or unlock it, or choose another folder with --var"
