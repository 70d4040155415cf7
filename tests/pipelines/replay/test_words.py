"""The verdict and the lines on a span, from a record made by hand."""

import dataclasses

import pytest

from pipelines.evaluation.bootstrap import Interval
from pipelines.replay.lines import METRICS, Comparison, Estimate
from pipelines.replay.record import DecisionRecord, ReplayRecord, SpanRecord
from pipelines.replay.words import describe_loss, describe_span, judge
from pipelines.retraining.decision import DUE, NOT_DUE, Reason


def interval(value: float, half: float = 0.01) -> Interval:
    return Interval(value=value, low=value - half, high=value + half)


def compared(gain: float) -> Comparison:
    """Both lines, the retrained one with a log loss that is lower by `gain`; its interval is 0.002 wide."""
    return Comparison(
        rows=1000,
        retrained={name: interval(0.5 - gain) for name in METRICS},
        first={name: interval(0.5) for name in METRICS},
        difference={name: interval(-gain, 0.001) for name in METRICS},
    )


def record(gain: float, versions: dict[str, int]) -> ReplayRecord:
    estimate = Estimate(version="7", rows=1000, estimated={}, measured={})
    span = SpanRecord(
        span="2014Q1", sent=1004, versions=versions, refused=["no fare"] * 3, failed=["no answer"], told=1000,
        quarantined=False, verdict="alarm", alarms=["fare"], page="", decision="d", seconds=31.4,
        comparison=compared(gain), first=estimate, retrained=None,
    )  # fmt: skip
    decision = DecisionRecord(
        id="d", span="2014Q1", act=True, spans=["2013Q4", "2014Q1"], outcome="promoted", detail="", version="8",
        reasons=[Reason(kind=DUE, text="drift: fare"), Reason(kind=NOT_DUE, text="new rows: 3")],
    )  # fmt: skip
    return ReplayRecord(
        task="taxi", started="", seconds=60.0, trained_first=["2013Q4"], first_version="7", spans=[span],
        decisions=[decision], overall=compared(gain), planned=1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("gain", "word"),
    [(0.003, "better than the first"), (-0.003, "worse than the first"), (0.0005, "no difference beyond")],
)
def test_the_verdict_is_by_the_interval_of_the_difference(gain: float, word: str) -> None:
    found = judge(record(gain, {"8": 700, "7": 300}))
    assert word in found.word
    assert f"log loss {0.5 - gain:.4f} against 0.5000" in found.sentence
    assert "On the same 1,000 labelled rows" in found.sentence


def test_a_replay_in_which_only_the_first_model_answered_has_no_verdict() -> None:
    alone = record(0.003, {"7": 1000})
    assert judge(alone).word == "No retrained model has answered"
    assert describe_loss(alone.spans[0], "7") == "the same model"


def test_a_span_is_one_line() -> None:
    made = record(0.003, {"8": 700, "7": 300})
    assert describe_span(made.spans[0], made.decisions[0]) == (
        "2014Q1  1,004 rows, 3 refused, 1 without an answer  auc 0.4970, first model 0.5000  alarm: fare  "
        "training due by drift: promoted  answers 8 70%, 7 30%  31 s"
    )
    quiet = dataclasses.replace(made.spans[0], refused=[], failed=[], verdict="too_few_rows", alarms=[])
    said = describe_span(quiet, dataclasses.replace(made.decisions[0], act=False))
    assert "1,004 rows  auc" in said
    assert "too few rows  no training" in said
