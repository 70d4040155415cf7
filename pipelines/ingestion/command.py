"""Run an ingestion as a command: lock the folder, log, write the record, return the exit status. Imports no TFX."""

import dataclasses
import datetime
import sys
import traceback
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from components.csv_example_gen.csv_files import ENDINGS
from pipelines.explain import explain
from pipelines.ingestion.logged_window import MONTH, parse_window
from pipelines.ingestion.options import IngestOptions
from pipelines.ingestion.outcome import FAILED, SpanOutcome
from pipelines.ingestion.printable import encode_json, make_printable
from pipelines.ingestion.terminal import print_outcome, print_report
from pipelines.runner.lock import BusyError, lock_folder
from pipelines.runner.progress import show_spinner
from pipelines.runner.run_folder import make_run_directory, use_temporary_folder
from pipelines.runner.run_log import redirect_output
from pipelines.spans.errors import SpanError
from pipelines.spans.pattern import SpanPattern
from pipelines.spans.sources import FoundSpans, find_spans
from serving.durable_file import write_whole
from serving.process_control import gc_paused_imports, remember_interrupts

FORMAT = 1  # of the record
RECORD_FILE = "summary.json"
_DONE, _REFUSED, _BUSY, _INTERRUPTED = 0, 1, 2, 130


def ingest(options: IngestOptions) -> int:
    """Ingest each span that is new or corrected, from a folder or from the request log.

    Returns:
        Exit status. 0: all spans are accepted. 1: a span is in quarantine, something failed, or `var` cannot be
        written. 2: another run uses `var`. 130: interrupted.
    """
    try:
        found = _find(options)
        with remember_interrupts(), lock_folder(options.var), use_temporary_folder(options.var / "tmp"):
            directory = make_run_directory(options.var / "ingestions")
            console = Console(file=redirect_output(directory / "run.log"), highlight=False)
            return _ingest(options, found, directory, console)
    except SpanError as error:
        print(f"error: {make_printable(str(error))}", file=sys.stderr)
        return _REFUSED
    except BusyError as error:
        print(f"error: {error}", file=sys.stderr)
        return _BUSY
    except OSError as error:
        print(f"error: cannot write below {options.var}: {error}; free or unlock it, or choose --var", file=sys.stderr)
        return _REFUSED


def _find(options: IngestOptions) -> FoundSpans | None:
    """Return the spans of the source folder before anything is written; None if they come from the request log."""
    if options.source is None:
        return None
    return find_spans(options.source, SpanPattern(options.pattern) if options.pattern else None)


def _ingest(options: IngestOptions, found: FoundSpans | None, directory: Path, console: Console) -> int:
    """Ingest the spans, print the report, and write a record even after an error."""
    of = make_printable(f"  ingestion {directory.name} of {options.source or options.logged}")
    console.print(Text(options.task, "bold").append(of, "not bold"), soft_wrap=True)
    outcomes: list[SpanOutcome] = []
    error: str | None = None
    status = _REFUSED
    try:
        found = found or _take_from_log(options, console)
        if found is not None:
            _print_others(found, console)
            _ingest_each(options, found, directory, console, outcomes)
        status = _DONE if all(outcome.is_accepted for outcome in outcomes) else _REFUSED
    except KeyboardInterrupt:
        error, status = "interrupted; accepted spans are kept", _INTERRUPTED
    except Exception as raised:  # Any error is printed and recorded; its traceback goes to the log.
        traceback.print_exc()
        error = explain(raised)
    record = _describe(options, found, directory, outcomes, error)
    try:
        write_whole(directory / RECORD_FILE, encode_json(record))
    except OSError as raised:
        error, status = f"{error or ''} no record was written: {raised}".strip(), _REFUSED
    print_report(console, outcomes, error, directory)
    return status


def _take_from_log(options: IngestOptions, console: Console) -> FoundSpans | None:
    """Write the spans of the log, and return them; None if no period that is over has a row with an outcome."""
    window = parse_window(options.window or MONTH)
    with show_spinner(console, "loading TFX", live=console.is_terminal), gc_paused_imports():
        from pipelines.ingestion.from_log import take_from_log
        from pipelines.ingestion.origin import logged_folder
    folder = logged_folder(options.var, options.name, window.kind)
    take_from_log(options, window, folder, console)
    if not any(folder.glob("*.parquet")):
        console.print(f"no {window.kind} that is over has a row with an outcome", markup=False, soft_wrap=True)
        return None
    return find_spans(folder, SpanPattern(window.pattern))


def _print_others(found: FoundSpans, console: Console) -> None:
    for name in (repr(other)[1:-1] for other in found.others):
        console.print(f"not a span: {name}: expected a name such as {found.pattern.text}", markup=False, soft_wrap=True)
    for name in (repr(unread)[1:-1] for unread in found.unread):
        console.print(f"not read: {name}: expected one of {', '.join(ENDINGS)}", markup=False, soft_wrap=True)


def _ingest_each(
    options: IngestOptions, found: FoundSpans, directory: Path, console: Console, outcomes: list[SpanOutcome]
) -> None:
    with show_spinner(console, "loading TFX", live=console.is_terminal), gc_paused_imports():
        from pipelines.ingestion import all_spans
    spans = all_spans.ingest_spans(options, found.sources, f"ingestion-{directory.name}", console)
    for outcome in spans:
        outcomes.append(outcome)
        print_outcome(console, outcome)
        if outcome.state == FAILED:  # The next span would usually fail for the same reason.
            break


def _describe(
    options: IngestOptions, found: FoundSpans | None, directory: Path, outcomes: list[SpanOutcome], error: str | None
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "id": directory.name,
        "task": options.task,
        "ended": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "source": str(options.source or options.logged),
        "pattern": found.pattern.text if found else "",
        "other_files": [*found.others, *found.unread] if found else [],
        "spans": [dataclasses.asdict(outcome) for outcome in outcomes],
        "error": error,
    }
