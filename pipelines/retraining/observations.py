"""Records of what the loop decides by; pipelines.retraining.looking fills them in."""

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
    """A run that reached a verdict on a model: pushed, unchanged, a tie, or refused by a gate."""

    run_id: str
    time: datetime.datetime  # when it began, UTC
    spans: Mapping[str, int]  # span -> version that it was trained on; empty: it did not read spans


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrafficLook:
    """The newest verdict of monitoring."""

    run_id: str
    alarm: bool
    judged: bool  # whether there were enough rows for a verdict
    end: datetime.datetime  # of the window, UTC
    sentence: str  # the verdict, and which columns changed


@dataclasses.dataclass(frozen=True, kw_only=True)
class PerformanceLook:
    """The production metrics of the version that answers, in the newest window."""

    worse: Sequence[str]  # metrics that are worse than promised, such as `auc on overall: 0.90, promised 0.95`
    judged: int  # metrics that could be compared with what was promised
    unjudged: Mapping[str, int]  # reason why others could not, such as `few labels` -> how many
    labelled: int  # rows whose outcome is known


@dataclasses.dataclass(frozen=True, kw_only=True)
class Observations:
    """Everything that a decision is based on, except the policy."""

    now: datetime.datetime  # UTC
    serving: str | None  # the version that answers; None: no version was pushed yet
    can_hold_back: bool  # whether a push does not serve at once: servers are named, or a stable version is pinned
    on_trial: str | None = None  # the canary; None: there is none
    last_training: Training | None
    trainings: Sequence[datetime.datetime]  # when this loop decided to train, UTC
    chosen: Sequence[ChosenSpan]
    traffic: TrafficLook | None
    performance: PerformanceLook | None
    failed_looks: Mapping[str, str]  # step -> why it has no result
    waiting: str | None = None  # an earlier decision that has not ended, in words
