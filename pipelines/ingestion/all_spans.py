"""Ingest spans in their order, so that each is compared with the one before it."""

from collections.abc import Iterator, Sequence

from absl import logging
from rich.console import Console

from components.csv_example_gen.fingerprint import RememberedDigests
from pipelines.config import ingestion_pipeline
from pipelines.ingestion.options import IngestOptions
from pipelines.ingestion.outcome import SpanOutcome
from pipelines.ingestion.resolution import Ingestion
from pipelines.ingestion.span_run import SpanIngestion
from pipelines.runner.capacity import nodes_at_once
from pipelines.runner.metadata_cleanup import clear_interrupted_executions
from pipelines.runner.progress import show_spinner
from pipelines.spans.sources import SpanSource
from pipelines.task_definition.task import load_task

_DIGESTS_FILE = "span_digests.json"


def ingest_spans(
    options: IngestOptions, sources: Sequence[SpanSource], run_id: str, console: Console
) -> Iterator[SpanOutcome]:
    """Ingest each span, and yield its outcome.

    Args:
        options: of the command.
        sources: of the spans.
        run_id: prefix of the run names in ML Metadata.
        console: the terminal.

    Yields:
        The outcome of each span, in the order of `sources`.

    Raises:
        KeyboardInterrupt: Ctrl-C. The partial outputs of the interrupted node are removed.
        ConfigError: The contract's time column is not valid.
        TaskError: The task does not exist.
    """
    logging.set_verbosity(logging.INFO)
    task = load_task(options.task)
    artifacts = options.var / "artifacts"
    if cleared := clear_interrupted_executions(options.var / "metadata.sqlite", artifacts):
        console.print(f"cleared what an interrupted run left: {', '.join(cleared)}")
    digests = RememberedDigests(artifacts / ingestion_pipeline(task.name) / _DIGESTS_FILE)
    ingestion = SpanIngestion(Ingestion(task, options.var), run_id, digests, options.at_once or nodes_at_once())
    try:
        for source in sources:
            with show_spinner(console, f"{source.span}", live=console.is_terminal):
                outcome = ingestion.ingest(source)
            yield outcome
    except KeyboardInterrupt:
        clear_interrupted_executions(options.var / "metadata.sqlite", artifacts)
        raise
    finally:
        digests.save()
