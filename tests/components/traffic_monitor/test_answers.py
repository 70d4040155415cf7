"""What the log says of answers, by the kind of task."""

import datetime
import random
from pathlib import Path

import numpy as np
import pytest

from components.request_log_example_gen import executor
from components.serving_statistics import RequestLogError, read_span
from components.traffic_monitor.answers import Answers, class_sample
from components.traffic_monitor.comparison import judge
from components.traffic_monitor.report import describe_predictions
from components.traffic_monitor.window import PREDICTION, compare_predictions
from serving.contract import Kind
from serving.contract.target import Target
from serving.problem import BINARY, MULTICLASS, REGRESSION
from tests.serving.request_log import logged

ROWS = 300


def answered(folder: Path, target: Target, draw: random.Random, shift: float) -> Answers:
    """A log of rows of which more have the class b, or larger values, by a shift from 0 to 1."""
    writer, _ = logged.start(folder, target=target)
    for number in range(ROWS):
        received = logged.MORNING + datetime.timedelta(seconds=number)
        high = draw.random() < 0.3 + 0.4 * shift
        if target.problem == MULTICLASS:
            said = {"probabilities": [[0.25, 0.75] if high else [0.75, 0.25]], "decisions": [target.classes[high]]}
        else:
            said = {"probabilities": None, "decisions": None, "values": [100 * draw.random() + 50 * shift]}
        logged.offer(writer, str(number), received=received, **said)
    logged.offer(writer, "failed", probabilities=None, decisions=None, model_version=None, status=503)
    writer.close()
    (file,) = logged.files(folder)
    return Answers(logged.table(file))


@pytest.mark.parametrize("target", [
    Target(problem=MULTICLASS, kind=Kind.BYTES, classes=("a", "b")),
    Target(problem=MULTICLASS, kind=Kind.INT, classes=(3, 5)),
    Target(problem=REGRESSION, kind=Kind.FLOAT),
], ids=["texts", "numbers", "values"])  # fmt: skip
def test_a_shift_of_answers_is_an_alarm_and_the_same_are_none(tmp_path: Path, target: Target) -> None:
    draw = random.Random(3)
    everything = np.arange(ROWS)
    before, same, shifted = (
        answered(tmp_path / name, target, draw, shift).predictions(name, everything)
        for name, shift in (("before", 0.0), ("same", 0.0), ("shifted", 1.0))
    )
    assert before is not None
    assert same is not None
    assert shifted is not None
    assert before.rows == ROWS  # without the one that no model answered
    assert not any(one.alarm for one in judge(compare_predictions(same, before, None), 0.01))
    found = [one.comparison.column for one in judge(compare_predictions(shifted, before, before), 0.01) if one.alarm]
    assert PREDICTION in found
    assert (describe_predictions([before, same]) is None) == (target.problem == MULTICLASS)


def test_classes_are_told_in_the_order_of_the_outputs(tmp_path: Path) -> None:
    target = Target(problem=MULTICLASS, kind=Kind.INT, classes=(3, 5))
    answers = answered(tmp_path, target, random.Random(3), 0.0)
    assert answers.classes == (3, 5)
    (version,) = answers.describe_versions()
    assert version["class_shares"].keys() == {"3", "5"}
    assert sum(version["class_shares"].values()) == pytest.approx(1)
    assert not {"decided_yes", "prediction_mean"} & set(version)
    evaluation = class_sample(np.array([3, 5, None], dtype=object), "evaluation")
    assert evaluation.columns[PREDICTION].found.tolist() == [3, 5]


def test_classes_with_decimals_are_those_of_the_log(tmp_path: Path) -> None:
    """The log holds float32: a class of 0.1 would be another one than that of the evaluation."""
    target = Target(problem=MULTICLASS, kind=Kind.FLOAT, classes=(0.1, 0.7))
    answers = answered(tmp_path, target, random.Random(3), 0.0)
    sample = answers.predictions("window", np.arange(ROWS))
    assert sample is not None
    assert set(sample.columns[PREDICTION].found.tolist()) == set(answers.classes)


def test_a_log_of_two_kinds_is_refused_or_left_out(tmp_path: Path) -> None:
    """In one window nobody can judge it; a window before of another kind is no measure."""
    binary, classes = Target(problem=BINARY), Target(problem=MULTICLASS, kind=Kind.BYTES, classes=("a", "b"))
    renamed = Target(problem=MULTICLASS, kind=Kind.BYTES, classes=("a", "c"))
    hour = datetime.timedelta(hours=1)
    step = datetime.timedelta(days=3)  # files are asked for with a margin
    for number, (target, said) in enumerate((
        (binary, {"probabilities": [0.5], "decisions": [True]}),
        (classes, {"probabilities": [[0.5, 0.5]], "decisions": ["a"]}),
        (renamed, {"probabilities": [[0.5, 0.5]], "decisions": ["a"]}),
    )):  # fmt: skip
        writer, _ = logged.start(tmp_path, target=target)
        logged.offer(writer, str(number), received=logged.MORNING + number * step, **said)
        writer.close()
    for first in (0, 1):
        with pytest.raises(RequestLogError, match="expected answers and classes as in the span's first file"):
            read_span(tmp_path, start=logged.MORNING + first * step, end=logged.MORNING + (first + 2) * step)
    windows = {
        split: [(logged.MORNING + begin * step).isoformat(), (logged.MORNING + begin * step + hour).isoformat()]
        for split, begin in (("window", 1), ("before", 0))
    }
    assert set(executor._read_spans(tmp_path, windows)) == {"window"}
