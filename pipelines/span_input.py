"""Look up the accepted spans that a run is trained on, and check that today's contract and code accepted them."""

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

# The newest spans that have so many eval rows together are evaluated on. The newest quarter alone may have 63 rows: on
# those an AUC of 0.95 has a standard error of 0.04 (Hanley and McNeil, 1982, 22% of rows positive), on 1,000 0.01.
_MIN_EVAL_ROWS = 1000


def judgement_digest(task: Task, contract: Path) -> str:
    """Return a digest of what decides whether a span is accepted, except the other spans: contract, split and code.

    Args:
        task: the task of the spans.
        contract: the copy of its contract, whose name changes with its content.
    """
    settings = {
        "contract": contract.name,
        "split": split_settings(task.split),
        "tolerated": {name: list(kinds) for name, kinds in task.tolerated_anomalies.items()},
        "code": source_digest(anomaly_gate, checked_csv),
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def resolve_spans(choice: str, task: Task, contract: Path, metadata: Path, *, newest: bool) -> SpanInput:
    """Choose among the accepted spans.

    Args:
        choice: which spans: all, last:4, or 2014Q1..2015Q4.
        task: the task of the spans.
        contract: the copy of its contract.
        metadata: the SQLite file of ML Metadata; MySQL is found next to it.
        newest: whether to evaluate only on the newest spans.

    Returns:
        The chosen spans, as the pipeline takes them.

    Raises:
        SpanError: No span is accepted, no accepted span is chosen, or another contract, split or code accepted one.
    """
    judged_by = judgement_digest(task, contract)
    spans = choose_accepted_spans(choice, task.name, metadata, judged_by)
    if outdated := [span.name for span in spans if span.judged_by != judged_by]:
        raise SpanError(
            f"spans {choice}: {', '.join(outdated)} were accepted by another contract, split or code than today's; "
            "ingest their folder again, which checks unchanged rows again without reading them; or, if one is then in "
            "quarantine, choose spans without it"
        )
    return SpanInput(
        pipeline=ingestion_pipeline(task.name),
        judged_by=judged_by,
        spans=tuple(span.name for span in spans),
        code_digest=source_digest(span_examples),
        min_eval_rows=_MIN_EVAL_ROWS if newest else 0,
    )
