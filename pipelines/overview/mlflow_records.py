"""Turn runs into records for MLflow: parameters, metrics, tags and artifacts under valid names."""

import dataclasses
import datetime
import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines.evaluation.slices import OVERALL
from pipelines.runs import Run
from pipelines.runs.leaderboard import digest_data, read_settings
from pipelines.runs.run_record import SUMMARY_FILE

KEY = "pipeline.key"  # tag that identifies an exported run
_NOTE = "mlflow.note.content"  # MLflow's own tag for a run's description
_LONGEST = 500  # characters of a parameter or a tag: the lowest limit of any MLflow since 1.28
_REFUSED = re.compile(r"[^\w\-. :/]", re.ASCII)  # characters that MLflow accepts in no name
_DIGITS = 6  # of the digest that is appended to a changed name
_ENDS = {"failed": "FAILED", "interrupted": "KILLED"}  # status of a run -> MLflow's; all others have finished
_ARTIFACTS = ("report.html", SUMMARY_FILE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MlflowRecord:
    """One run in MLflow's terms."""

    key: str  # identifies the run, independent of when and from where it is exported
    experiment: str  # MLflow's experiment: the task
    name: str
    status: str  # FINISHED, FAILED or KILLED
    start: int  # milliseconds since 1970
    end: int  # likewise
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    artifacts: tuple[Path, ...]


def make_record(run: Run) -> MlflowRecord:
    """Return the record of a run that has ended.

    A metric of all eval rows has its own name, a metric of a slice `metric/column: value`. `.low`, `.high` and
    `.change` are the interval and the change from the baseline, if the report computed them.
    """
    summary = run.summary
    start = round(datetime.datetime.fromisoformat(run.started).timestamp() * 1000)
    identity = "\n".join(map(str, (run.task, run.id, run.started, summary["seconds"], summary["source_digest"])))
    return MlflowRecord(
        key=hashlib.sha256(identity.encode()).hexdigest()[:32],
        experiment=run.task,
        name=run.id,
        status=_ENDS.get(run.status, "FINISHED"),
        start=start,
        end=start + round(summary["seconds"] * 1000),
        parameters={make_name(name): _shorten(value) for name, value in read_settings(run).items()},
        metrics={make_name(name): value for name, value in _list_metrics(run) if math.isfinite(value)},
        tags={name: _shorten(value) for name, value in _list_tags(run) if value},
        artifacts=tuple(run.directory / name for name in _ARTIFACTS if (run.directory / name).is_file()),
    )


def make_name(name: str) -> str:
    """Return a name that MLflow accepts; different names stay different.

    Example:
        >>> make_name("auc/payment_type = Cash")
        'auc/payment_type: Cash'
    """
    taken = _REFUSED.sub("_", name.replace(" = ", ": "))
    if taken == name.replace(" = ", ": "):
        return taken
    return f"{taken}.{hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]}"


def _list_metrics(run: Run) -> Iterator[tuple[str, float]]:
    for where, values in run.summary["metrics"].items():
        for name, value in values.items():
            if value is not None:
                yield name if where == OVERALL else f"{name}/{where}", float(value)
    for name, one in run.intervals().items():
        yield from ((f"{name}.low", one.low), (f"{name}.high", one.high), (f"{name}.change", one.change))


def _list_tags(run: Run) -> Iterator[tuple[str, Any]]:
    review = run.summary["review"] or {}
    yield "pipeline.run_id", run.id
    yield "pipeline.status", run.status
    yield "pipeline.outcome", run.outcome
    yield "pipeline.version", run.version
    yield "pipeline.experiment", run.experiment
    yield "pipeline.data", run.summary["data"]
    yield "pipeline.data_digest", digest_data(run)
    yield "pipeline.code_digest", run.summary["source_digest"]
    yield "pipeline.reviewer", review.get("reviewer") if review.get("state") == "valid" else None
    yield _NOTE, run.note
    for tag in run.tags:
        yield make_name(f"tag.{tag}"), "true"


def _shorten(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
