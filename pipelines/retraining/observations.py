"""What is known when the loop decides: plain records, filled in by pipelines.retraining.looking."""

import dataclasses
import datetime
from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChosenSpan:
    """An accepted span that the policy would train on."""

    name: str
    version: int
    rows: int  # train and eval rows


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """The last run that came to a verdict on a model: in place, or refused by a gate."""

    run_id: str
    time: datetime.datetime  # when it began, UTC
    spans: Mapping[str, int]  # span -> version that it was trained on; empty: it read files


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrafficLook:
    """The newest look at the traffic."""

    run_id: str
    alarm: bool
    judged: bool  # whether there were rows enough for a verdict
    end: datetime.datetime  # of the window, UTC
    sentence: str  # the verdict, and which columns changed


@dataclasses.dataclass(frozen=True, kw_only=True)
class PerformanceLook:
    """The production metrics of the version that answers, in the newest window."""

    worse: Sequence[str]  # metrics that are worse than promised, such as `auc on overall: 0.90, promised 0.95`
    judged: int  # metrics that could be held against their promise
    unjudged: Mapping[str, int]  # why others could not, such as `few labels` -> how many
    labelled: int  # rows whose outcome has come


@dataclasses.dataclass(frozen=True, kw_only=True)
class Observations:
    """All that a decision is made of, beside the policy."""

    now: datetime.datetime  # UTC
    serving: str | None  # the version that answers; None: no version was pushed yet
    can_hold_back: bool  # whether a push can be kept from answering: servers are named, or versions are pinned
    on_trial: str | None = None  # the canary, where there is one
    last_training: Training | None
    trainings: Sequence[datetime.datetime]  # when this loop decided to train, UTC
    chosen: Sequence[ChosenSpan]
    traffic: TrafficLook | None
    performance: PerformanceLook | None
    failed_looks: Mapping[str, str]  # step -> why it has no result
    waiting: str | None = None  # an earlier decision that is not at its end
