"""Read what the loop decides by: runs, accepted spans, monitoring's newest record, and production metrics."""

import collections
import datetime
import itertools
import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from components.traffic_monitor.verdicts import ALARM, UNCHANGED
from pipelines.config import ingestion_pipeline
from pipelines.evaluation.readable_numbers import format_readable
from pipelines.metadata_database import MetadataDatabaseError, connect, has_metadata
from pipelines.production_metrics.verdict import GapVerdict
from pipelines.retraining.decision_log import FAILED, DecisionLog
from pipelines.retraining.observations import ChosenSpan, Observations, PerformanceLook, TrafficLook, Training
from pipelines.retraining.options import ContinuousOptions
from pipelines.retraining.policy import RetrainingPolicy
from pipelines.retraining.served import find_serving_version, list_pushed, read_rolled_out
from pipelines.spans.errors import SpanError
from pipelines.spans.selection import SpanSelection
from serving.process_control import gc_paused_imports, hold_stderr

SUMMARY_FILE = "summary.json"

_JUDGED = ("pushed", "unchanged", "refused", "tie")  # states of a run that reached a verdict on a model
_UNJUDGED = [
    verdict.value
    for verdict in (GapVerdict.NO_LABELS, GapVerdict.FEW_LABELS, GapVerdict.NO_PROMISE, GapVerdict.UNDEFINED)
]
_ROWS = ("rows_train", "rows_eval")  # custom properties of Examples


class LookingError(RuntimeError):
    """A record of an earlier command, or ML Metadata, cannot be read."""


def observe(
    options: ContinuousOptions,
    policy: RetrainingPolicy,
    now: datetime.datetime,
    failed_looks: Mapping[str, str],
    waiting: str | None = None,
) -> Observations:
    """Collect the observations that a decision is based on.

    Args:
        options: of the command.
        policy: of the task.
        now: UTC.
        failed_looks: steps of this pass without a result, and why; their earlier results are not used.
        waiting: an earlier decision that has not ended, in words.

    Returns:
        The observations.
    """
    rolled_out, serving = read_rolled_out(options), find_serving_version(options)
    decisions = DecisionLog(options.folder).decisions()
    return Observations(
        now=now,
        serving=serving,
        can_hold_back=bool(options.server) or rolled_out.stable is not None,
        on_trial=rolled_out.canary,
        last_training=find_last_training(options),
        trainings=[decision.time for decision in decisions if decision.act],
        chosen=choose_spans(list_accepted(options), policy.spans),
        traffic=read_traffic(options) if policy.due.drift and "monitor" not in failed_looks else None,
        performance=(
            read_performance(options, serving) if policy.due.performance and "measure" not in failed_looks else None
        ),
        failed_looks=failed_looks,
        waiting=waiting,
    )


def find_last_training(options: ContinuousOptions) -> Training | None:
    """Return the newest training that reached a verdict on a model; None: there is none.

    It may be a run by hand. It may also be a decision of the loop without a record of its run, which was killed after
    its push, or removed by gc.

    Args:
        options: of the command.
    """
    known = [*itertools.islice(_trainings(options), 1), *_decided(DecisionLog(options.folder))]
    return max(known, key=lambda training: training.time, default=None)


def find_run(options: ContinuousOptions, spans: Sequence[str], since: datetime.datetime) -> dict[str, Any] | None:
    """Return the record of the newest run on these spans that began at a time or later; None: no such run has ended.

    A run that pushed elsewhere (`--push-to`) does not count. The run may have more spans between the first and the
    last: they were accepted after the decision.

    Args:
        options: of the command.
        spans: names of the spans, oldest first.
        since: UTC.
    """
    pushed = list_pushed(options)
    for record in _run_records(options):
        found = list(_span_versions(record))
        same = set(spans) <= set(found) and (found[0], found[-1]) == (spans[0], spans[-1])
        ours = record["pushed"] is None or str(record["pushed"]["version"]) in pushed
        if same and ours and _moment(record["started"]) >= since:
            return record
    return None


def list_accepted(options: ContinuousOptions) -> Sequence[ChosenSpan]:
    """List the accepted spans of ML Metadata, oldest first. Loads TFX."""
    database = options.var / "metadata.sqlite"
    if not has_metadata(database):
        return []
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # hides TensorFlow's notes about the machine
    with warnings.catch_warnings(), hold_stderr(), gc_paused_imports():
        warnings.simplefilter("ignore", FutureWarning)  # of Google's libraries about each other
        from ml_metadata.errors import StatusError
        from ml_metadata.metadata_store import MetadataStore

        from components.accepted_spans import list_accepted_spans
    try:
        store = MetadataStore(connect(database))
    except (StatusError, RuntimeError, MetadataDatabaseError) as error:
        raise LookingError(
            f"ML Metadata of {options.var} cannot be read: {error}; if a run is using it, wait until it has ended"
        ) from error
    return [
        ChosenSpan(
            name=span.name,
            version=span.version,
            rows=sum(span.examples.custom_properties[name].int_value for name in _ROWS),
        )
        # Judged by any contract: `run` itself refuses spans that today's contract has not judged.
        for span in list_accepted_spans(store, ingestion_pipeline(options.name), judged_by="")
    ]


def choose_spans(accepted: Sequence[ChosenSpan], choice: str) -> Sequence[ChosenSpan]:
    """Return the accepted spans that `run --spans` would choose; none if the choice leaves nothing."""
    try:
        names = SpanSelection.parse(choice).choose([span.name for span in accepted])
    except SpanError:
        return []
    return [span for span in accepted if span.name in names]


def newest_look(options: ContinuousOptions) -> dict[str, Any] | None:
    """Return monitoring's newest record, also if monitoring failed; None: there is none."""
    return next((_read_json(path) for path in _newest_first(options.var / "monitoring" / options.name)), None)


def read_traffic(options: ContinuousOptions) -> TrafficLook | None:
    """Return monitoring's newest record with a verdict; None: there is none."""
    for path in _newest_first(options.var / "monitoring" / options.name):
        record = _read_json(path)
        if record["verdict"] == "failed":
            continue
        findings, anomalies = record["report"]["findings"], record["report"]["anomalies"]
        columns = sorted({one["column"] or "whole rows" for one in [*findings, *anomalies]})
        return TrafficLook(
            run_id=record["run_id"],
            alarm=record["verdict"] == ALARM,
            judged=record["verdict"] in (ALARM, UNCHANGED),
            end=_moment(record["window"]["end"]),
            sentence=f"verdict {record['verdict']}" + (f": {', '.join(columns)}" if columns else ""),
        )
    return None


def read_performance(options: ContinuousOptions, serving: str | None) -> PerformanceLook | None:
    """Return the production metrics of the version that answers, in the newest window; None: there are none."""
    path = options.var / "production_metrics" / f"{options.name}.json"
    if not path.is_file():
        return None
    records = [one for one in _read_json(path)["records"] if one["version"] == serving]
    newest = max((one["window_end"] for one in records), default=None)
    records = [one for one in records if one["window_end"] == newest]
    if not records:
        return None
    unjudged = collections.Counter(one["verdict"] for one in records if one["verdict"] in _UNJUDGED)
    return PerformanceLook(
        judged=len(records) - unjudged.total(),
        unjudged=dict(sorted(unjudged.items())),
        worse=[_describe_gap(one) for one in records if one["verdict"] == GapVerdict.WORSE.value],
        labelled=max(one["labelled"] for one in records),
    )


def _describe_gap(record: Mapping[str, Any]) -> str:
    measured, promised = (record[name]["value"] for name in ("production", "promised"))
    return f"{record['metric']} on {record['slice']}: {format_readable(measured)}, promised {format_readable(promised)}"


def _decided(log: DecisionLog) -> Iterator[Training]:
    outcomes = log.outcomes()
    for decision in log.decisions():
        if decision.act and outcomes.get(decision.id, {}).get("outcome", FAILED) != FAILED:
            yield Training(run_id=f"of decision {decision.id}", time=decision.time, spans=decision.spans)


def _trainings(options: ContinuousOptions) -> Iterator[Training]:
    for record in _run_records(options):
        if record["status"] in _JUDGED:
            yield Training(run_id=record["run_id"], time=_moment(record["started"]), spans=_span_versions(record))


def _run_records(options: ContinuousOptions) -> Iterator[dict[str, Any]]:
    """Yield the records of the task's runs that have ended, newest first."""
    from pipelines.runs.run_record import read_record  # import late: it loads pandas

    for path in _newest_first(options.var / "runs"):
        record = read_record(path.parent, options.var / "metadata.sqlite")
        if record["experiment"] is not None:  # pushes nothing, whatever the verdict
            continue
        if record["task"] in (options.name, options.task):  # the second if the run could not load the task
            yield record


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LookingError(
            f"{path} is damaged: expected JSON, received {error}; move it away and call again"
        ) from error


def _newest_first(folder: Path) -> list[Path]:
    """Return the summaries in the subfolders, newest first, by the times in the subfolders' names."""
    found = [path for path in folder.glob(f"*/{SUMMARY_FILE}") if not path.parent.is_symlink()]
    return sorted(found, key=lambda path: (path.parent.name[:15], len(path.parent.name), path.parent.name))[::-1]


def _span_versions(record: Mapping[str, Any]) -> dict[str, int]:
    return {span["span"]: span["version"] for span in record["spans"]}


def _moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).astimezone(datetime.UTC)
