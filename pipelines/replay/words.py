"""Describe a replay in words for the terminal and the page."""

import dataclasses
from collections.abc import Sequence

from pipelines.evaluation.bootstrap import Interval
from pipelines.replay.lines import Comparison
from pipelines.replay.record import DecisionRecord, ReplayRecord, SpanRecord
from pipelines.report.numbers import NONE, format_change, format_change_interval, format_metric
from pipelines.retraining.decision import DUE

NAMES = {"auc": "ROC AUC", "binary_crossentropy": "log loss", "calibration": "calibration"}
_DECIDING = "binary_crossentropy"  # a proper score: it measures both order and level of the probabilities


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """The result of the whole replay in words."""

    word: str
    css_class: str
    sentence: str


def judge(record: ReplayRecord) -> Verdict:
    """Return whether retraining was better than the first model, by the log loss on all labelled rows."""
    overall = record.overall
    change = overall.difference[_DECIDING]
    if all(list(span.versions) == [record.first_version] for span in record.spans):
        word, css_class = "No retrained model has answered", "warn"
    elif change.high < 0:
        word, css_class = "Retraining was better than the first model left alone", "good"
    elif change.low > 0:
        word, css_class = "Retraining was worse than the first model left alone", "bad"
    else:
        word, css_class = "Retraining made no difference beyond chance", "warn"
    parts = [_compare(overall, name) for name in ("auc", _DECIDING)]
    return Verdict(
        word=word, css_class=css_class, sentence=f"On the same {overall.rows:,} labelled rows: {'; '.join(parts)}."
    )


def describe_decision(decision: DecisionRecord) -> str:
    """Return the decision, its reasons and its outcome as a short text."""
    if not decision.act:
        return "no training"
    why = ", ".join(reason.text.partition(":")[0] for reason in decision.reasons if reason.kind == DUE)
    return f"training due by {why}: {decision.outcome or 'on trial'}"


def describe_span(span: SpanRecord, decision: DecisionRecord) -> str:
    """Return one line about a span for the terminal."""
    known = span.comparison
    answers = ", ".join(f"{version} {share:.0%}" for version, share in version_shares(span).items())
    faults = f", {len(span.refused):,} refused" if span.refused else ""
    faults += f", {len(span.failed):,} without an answer" if span.failed else ""
    return (
        f"{span.span}  {span.sent:>5,} rows{faults}  auc {format_metric(known.retrained['auc'].value)}, first model "
        f"{format_metric(known.first['auc'].value)}  {describe_alarm(span)}  {describe_decision(decision)}  "
        f"answers {answers}  {span.seconds:.0f} s"
    )


def describe_alarm(span: SpanRecord) -> str:
    """Return monitoring's verdict and the columns of its alarms."""
    return f"{span.verdict}: {', '.join(span.alarms)}" if span.alarms else span.verdict.replace("_", " ")


def version_shares(span: SpanRecord) -> dict[str, float]:
    """Return each version's share of the span's answers."""
    rows = sum(span.versions.values())
    return {version: count / rows for version, count in span.versions.items()}


def describe_value(found: Interval | None) -> str:
    """Return a metric with its interval: `0.9602 (0.9535–0.9669)`."""
    if found is None:
        return NONE
    return f"{format_metric(found.value)} ({format_metric(found.low)}–{format_metric(found.high)})"


def describe_change(found: Interval) -> str:
    """Return a change with its interval: `+0.0003 (−0.0013 to +0.0018)`."""
    return f"{format_change(found.value)} ({format_change_interval(found)})"


def describe_loss(span: SpanRecord, first_version: str) -> str:
    """Return how much the log loss of the retrained models differs from the first model's, with its interval."""
    if list(span.versions) == [first_version]:
        return "the same model"
    return describe_change(span.comparison.difference[_DECIDING])


def trainings(record: ReplayRecord) -> Sequence[DecisionRecord]:
    """Return the decisions to train, without the one for the first model."""
    return [decision for decision in record.decisions[1:] if decision.act]


def _compare(overall: Comparison, name: str) -> str:
    return (
        f"{NAMES[name]} {format_metric(overall.retrained[name].value)} against "
        f"{format_metric(overall.first[name].value)}, {describe_change(overall.difference[name])}"
    )
