"""Decide whether to train, from the policy and the observations alone, and give the reasons in words."""

import dataclasses
import datetime
from collections.abc import Iterator
from typing import Any, Self

from pipelines.production_metrics.windows import parse_length
from pipelines.retraining.observations import Observations
from pipelines.retraining.policy import ASK, REPORT, RetrainingPolicy

DUE, NOT_DUE, HELD_BACK, UNKNOWN = "due", "not due", "held back", "unknown"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reason:
    """A reason for or against a training."""

    kind: str  # DUE, NOT_DUE, HELD_BACK or UNKNOWN
    text: str

    def __str__(self) -> str:
        return f"{self.kind:<9}  {self.text}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decision:
    """A decision whether to train, and its reasons."""

    id: str
    time: datetime.datetime  # UTC
    act: bool  # whether to train
    policy: str
    reasons: tuple[Reason, ...]
    spans: dict[str, int]  # the chosen spans, which a training reads: span -> version
    rows: int  # of the chosen spans
    serving: str | None  # the version that answers requests
    next_due: datetime.datetime | None  # when the schedule makes a training due, UTC; None: there is no schedule

    @property
    def is_due(self) -> bool:
        """Whether a training is due and not held back; only the policy `report` still prevents it."""
        kinds = {reason.kind for reason in self.reasons}
        return DUE in kinds and HELD_BACK not in kinds

    def as_dict(self) -> dict[str, Any]:
        """Return the decision as a JSON object."""
        plain = dataclasses.asdict(self)
        plain["time"] = self.time.isoformat(timespec="seconds")
        plain["next_due"] = self.next_due and self.next_due.isoformat(timespec="seconds")
        return plain

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Return the decision from the JSON object that `as_dict` returned."""
        next_due = plain["next_due"]
        return cls(
            **plain
            | {
                "time": datetime.datetime.fromisoformat(plain["time"]),
                "next_due": next_due and datetime.datetime.fromisoformat(next_due),
                "reasons": tuple(Reason(**reason) for reason in plain["reasons"]),
            }
        )


def decide(id: str, policy: RetrainingPolicy, seen: Observations) -> Decision:
    """Decide whether to train.

    One trigger is enough to make a training due. A training that is due is held back if another decision or a trial is
    under way, its rows are none or the same as last time, a limit is reached, or the policy `ask` cannot be kept. The
    loop trains if a training is due and not held back, unless the policy is `report`.

    Args:
        id: of the decision.
        policy: of the task.
        seen: the observations.

    Returns:
        The decision.
    """
    reasons = [*_triggers(policy, seen), *_obstacles(policy, seen)]
    if "ingest" in seen.failed_looks:
        reasons.append(Reason(kind=UNKNOWN, text=f"new spans: {seen.failed_looks['ingest']}"))
    kinds = {reason.kind for reason in reasons}
    return Decision(
        id=id,
        time=seen.now,
        act=DUE in kinds and HELD_BACK not in kinds and policy.policy != REPORT,
        policy=policy.policy,
        reasons=tuple(reasons),
        spans={span.name: span.version for span in seen.chosen},
        rows=sum(span.rows for span in seen.chosen),
        serving=seen.serving,
        next_due=_next_due(policy, seen),
    )


def _triggers(policy: RetrainingPolicy, seen: Observations) -> Iterator[Reason]:
    if seen.serving is None:
        yield Reason(kind=DUE, text="first model: no version was pushed yet")
    if policy.due.schedule is not None:
        yield _schedule(policy.due.schedule, seen)
    if policy.due.new_rows is not None:
        rows = _new_rows(seen)
        text = f"new rows: {rows:,} accepted rows that the last training had not; {policy.due.new_rows:,} make it due"
        yield Reason(kind=DUE if rows >= policy.due.new_rows else NOT_DUE, text=text)
    if policy.due.drift:
        yield _drift(seen)
    if policy.due.performance:
        yield _performance(seen)


def _schedule(schedule: str, seen: Observations) -> Reason:
    if seen.last_training is None:
        return Reason(kind=DUE, text=f"schedule: no training so far; due every {schedule}")
    age = seen.now - seen.last_training.time
    kind = DUE if age >= parse_length(schedule) else NOT_DUE
    return Reason(kind=kind, text=f"schedule: the last training was {_words(age)} ago; due every {schedule}")


def _drift(seen: Observations) -> Reason:
    look = seen.traffic
    if look is None:
        return Reason(kind=UNKNOWN, text=f"drift: {seen.failed_looks.get('monitor', 'the traffic was not judged')}")
    if not look.judged:
        return Reason(kind=UNKNOWN, text=f"drift: {look.sentence} (monitoring run {look.run_id})")
    if not look.alarm:
        return Reason(kind=NOT_DUE, text=f"drift: {look.sentence} (monitoring run {look.run_id})")
    if seen.last_training is not None and look.end <= seen.last_training.time:
        text = f"drift: the alarm of monitoring run {look.run_id} is about a window before the last training"
        return Reason(kind=NOT_DUE, text=text)
    return Reason(kind=DUE, text=f"drift: {look.sentence} (monitoring run {look.run_id})")


def _performance(seen: Observations) -> Reason:
    look = seen.performance
    if look is None:
        return Reason(kind=UNKNOWN, text=f"performance: {seen.failed_looks.get('measure', 'it was not measured')}")
    if look.worse:
        return Reason(kind=DUE, text=f"performance: worse than promised: {'; '.join(look.worse)}")
    why = ", ".join(f"{reason} of {count}" for reason, count in look.unjudged.items())
    if not look.judged:
        text = f"performance: no metric could be judged, on {look.labelled:,} labelled rows: {why}"
        return Reason(kind=UNKNOWN, text=text)
    text = f"performance: no metric is worse than promised, on {look.labelled:,} labelled rows"
    return Reason(kind=NOT_DUE, text=f"{text}; not judged: {why}" if why else text)


def _obstacles(policy: RetrainingPolicy, seen: Observations) -> Iterator[Reason]:
    last = seen.last_training
    chosen = {span.name: span.version for span in seen.chosen}
    if seen.waiting is not None:
        yield Reason(kind=HELD_BACK, text=f"one at a time: {seen.waiting}")
    if seen.on_trial is not None:
        yield Reason(
            kind=HELD_BACK, text=f"one at a time: version {seen.on_trial} is on trial; promote it or roll back"
        )
    if not chosen:
        yield Reason(kind=HELD_BACK, text=f"no rows: spans {policy.spans} has no accepted span; ingest some")
    elif last is not None and last.spans == chosen:
        text = f"same rows: run {last.run_id} had exactly these spans in these versions"
        yield Reason(kind=HELD_BACK, text=text)
    began = _last_begin(seen)
    if began is not None and seen.now - began < parse_length(policy.limits.cool_down):
        text = f"cool-down: the last training began {_words(seen.now - began)} ago; {policy.limits.cool_down} at least"
        yield Reason(kind=HELD_BACK, text=text)
    month = [time for time in seen.trainings if (time.year, time.month) == (seen.now.year, seen.now.month)]
    if len(month) >= policy.limits.trainings_a_month:
        text = f"budget: {len(month)} trainings in {seen.now:%Y-%m}, at most {policy.limits.trainings_a_month}"
        yield Reason(kind=HELD_BACK, text=text)
    if policy.policy == ASK and seen.serving is not None and not seen.can_hold_back:
        text = "ask: a push would serve at once; name the servers with --server, or pin the version with `make pin`"
        yield Reason(kind=HELD_BACK, text=text)


def _new_rows(seen: Observations) -> int:
    trained = seen.last_training.spans if seen.last_training is not None else {}
    return sum(span.rows for span in seen.chosen if trained.get(span.name) != span.version)


def _last_begin(seen: Observations) -> datetime.datetime | None:
    """Return when the last training began, or when this loop last decided on one, also if it failed."""
    known = [*seen.trainings, *([seen.last_training.time] if seen.last_training is not None else [])]
    return max(known, default=None)


def _next_due(policy: RetrainingPolicy, seen: Observations) -> datetime.datetime | None:
    if policy.due.schedule is None:
        return None
    if seen.last_training is None:
        return seen.now
    due = seen.last_training.time + parse_length(policy.due.schedule)
    began = _last_begin(seen)
    assert began is not None, "there was a training"
    return max(due, began + parse_length(policy.limits.cool_down))


def _words(age: datetime.timedelta) -> str:
    """Return a length of time in its largest unit: `3 days`, `5 hours`, `12 minutes`."""
    minutes = int(age.total_seconds() // 60)
    for unit, length in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes >= length or length == 1:
            count = minutes // length
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    raise AssertionError("a minute is the smallest unit")
