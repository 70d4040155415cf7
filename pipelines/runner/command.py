"""Run the pipeline as a command: lock the folder, redirect the log, write the record, return the exit status.

It imports TFX late, so that wrong usage and a busy folder are reported at once.
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
_CANNOT_WRITE, _NO_SPANS, _BUSY = 1, 1, 2  # exit statuses of a run that could not begin
_UNWRITABLE = frozenset({errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC, errno.ENOTDIR, errno.EROFS})
_SPARE_BYTES = 1 << 20  # a disk with less free space counts as full


def run(options: RunOptions) -> int:
    """Run the pipeline, and write its record.

    Args:
        options: the options of the run.

    Returns:
        The exit status. 0: a model that passed every gate is pushed, now or by an earlier run; or there was nothing to
        push, after a tie or an experiment. 1: a gate refused the model, a node failed, `var` cannot be written, or no
        chosen span is accepted. 2: another run is using `var`. 130: interrupted.
    """
    try:
        if options.spans is not None:  # Before the run writes a file or loads TFX, which takes seconds.
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
    """Check that the choice of spans has accepted ones. `resolve_spans` later checks their contract and code.

    Args:
        options: the options of the run, with `spans`.

    Raises:
        SpanError: No span is accepted, or no accepted span is chosen.
    """
    from pipelines.accepted_choice import choose_accepted_spans  # Imported here: it loads ML Metadata.

    assert options.spans is not None
    choose_accepted_spans(options.spans, options.name, options.var / "metadata.sqlite")


def record_run(options: RunOptions, directory: Path, terminal: TextIO, fill: Fill | None = None) -> int:
    """Run the pipeline, write the record and the report, and print how it ended, also after an error.

    Args:
        options: the options of the run.
        directory: the run's folder.
        terminal: where progress and results are printed.
        fill: runs the nodes and fills in the summary, including `started` and `seconds` if the run began earlier;
            None: run the whole pipeline here.

    Returns:
        The exit status.
    """
    from rich.console import Console  # Imported here, so that --help and a busy folder do not wait for it.

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
    except Exception as error:  # The record and the terminal have the message, the log has the traceback.
        traceback.print_exc()
        summary.fail(describe_unwritable(options.var, error) if _is_about(error, options.var) else explain(error))
    summary.seconds = summary.seconds or time.monotonic() - begin
    _write_record(summary, directory)
    with show_spinner(console, "writing the report", live=live):
        final_report.write_report_page(summary, options.var)
    with contextlib.suppress(OSError):  # The record exists already; without this it does not name the report.
        summary.write(directory)
    final_report.print_final_report(console, summary, directory)
    return _EXIT_STATUS[summary.status]


def _write_record(summary: Summary, directory: Path) -> None:
    """Write the record. If a run failed and the disk is full, say so: libraries describe that in many ways."""
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
    """Describe an error of writing below a folder, and what to do."""
    return f"cannot write below {path}: {error}; free or unlock it, or choose another folder with --var"
