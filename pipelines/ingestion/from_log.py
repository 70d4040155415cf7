"""Write the files of spans from the request log and its feedback, for `ingest --from-log`. Imports TFX."""

import datetime
from pathlib import Path

from rich.console import Console

from pipelines.ingestion.logged_spans import WrittenSpan, write_logged_spans
from pipelines.ingestion.logged_window import LoggedWindow
from pipelines.ingestion.options import IngestOptions
from pipelines.ingestion.printable import make_printable
from pipelines.spans.errors import SpanError
from pipelines.task_definition.task import load_task
from serving import contract as contracts
from serving.contract import ContractError
from serving.feedback.label import read_label


def take_from_log(options: IngestOptions, window: LoggedWindow, folder: Path, console: Console) -> list[WrittenSpan]:
    """Write the files of the spans, and print a line for each.

    Args:
        options: of the command.
        window: selects the periods of the log.
        folder: the files' folder.
        console: the terminal.

    Returns:
        The written spans, in the order of time.

    Raises:
        SpanError: The log lacks columns that a model is trained on, or the named period has no row with an outcome.
        TaskError: The task does not exist.
    """
    task = load_task(options.task)
    try:
        contract, label = contracts.read(task.contract), read_label(task.contract)
    except ContractError as error:
        raise SpanError(
            "--from-log: expected a contract whose columns are all in requests, except the label, which comes from "
            f"feedback; received: {error}"
        ) from error
    now = datetime.datetime.now(datetime.UTC)
    written = []
    for one in write_logged_spans(window, folder, options.logged, options.told, contract, label, now):
        written.append(one)
        said = f"  {one.said}" if one.said else ""
        console.print(
            make_printable(f"{one.span:<11} {one.rows:,} rows of the log{said}"), markup=False, soft_wrap=True
        )
    if window.span is not None and not written[0].rows:
        raise SpanError(f"span {window.span}: {written[0].said}")
    return written
