"""Which accepted spans a run is trained on: what a user chose, looked up in ML Metadata."""

import hashlib
import json
from pathlib import Path

from components.anomaly_gate import component as anomaly_gate
from components.csv_example_gen import executor as checked_csv
from components.csv_example_gen.row_split import split_settings
from components.source_digest import source_digest
from components.span_examples import component as span_examples
from pipelines.accepted_choice import choose_accepted_spans
from pipelines.config import SpanInput, ingestion_pipeline
from pipelines.spans.errors import SpanError
from pipelines.task_definition.task import Task

# Of the newest spans, as far as there are any. The newest quarter alone may have 63: on those an AUC of 0.95 has a
# standard error of 0.04 (Hanley and McNeil, 1982, 22% of rows positive), on 1,000 it has 0.01.
_MIN_EVAL_ROWS = 1000


def judgement_digest(task: Task, contract: Path) -> str:
    """Digests all that decides whether a span is accepted, beside the other spans: contract, split and code.

    Args:
        task: whose spans they are.
        contract: its copy, whose name changes with its content.
    """
    settings = {
        "contract": contract.name,
        "split": split_settings(task.split),
        "tolerated": {name: list(kinds) for name, kinds in task.tolerated_anomalies.items()},
        "code": source_digest(anomaly_gate, checked_csv),
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def resolve_spans(choice: str, task: Task, contract: Path, metadata: Path, *, newest: bool) -> SpanInput:
    """Chooses among the accepted spans.

    Args:
        choice: such as last:4.
        task: whose spans they are.
        contract: its copy.
        metadata: the ML Metadata database.
        newest: whether to evaluate on the newest spans alone.

    Raises:
        SpanError: No span is accepted, or none of the chosen; or spans were accepted by another contract or code.
    """
    judged_by = judgement_digest(task, contract)
    spans = choose_accepted_spans(choice, task.name, metadata, judged_by)
    if outdated := [span.name for span in spans if span.judged_by != judged_by]:
        raise SpanError(
            f"spans {choice}: {', '.join(outdated)} were accepted by another contract, split or code than today's; "
            "ingest their folder again: rows that did not change are judged anew without being read; or, if one stands "
            "in quarantine then, choose spans without it"
        )
    return SpanInput(
        pipeline=ingestion_pipeline(task.name),
        judged_by=judged_by,
        spans=tuple(span.name for span in spans),
        code_digest=source_digest(span_examples),
        min_eval_rows=_MIN_EVAL_ROWS if newest else 0,
    )
