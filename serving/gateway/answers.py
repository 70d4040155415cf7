"""What a model's outputs mean, by the kind of task: how they are read, what is decided, and how a row is answered."""

import dataclasses
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from serving.contract import Value
from serving.contract.target import Target
from serving.problem import MULTICLASS, REGRESSION

_SUM_TOLERANCE = 1e-3  # float32 probabilities of a thousand classes add up to 1 within a tenth of it
_LARGEST = 3.4028234663852886e38  # float32; a comparison with it is false for NaN

Output = Any  # of one row: a float, or of a multiclass task a list of floats


@dataclasses.dataclass(frozen=True, kw_only=True)
class Interval:
    """The interval around the values of one version of a model: two constants that are added to each value."""

    low: float  # to add, 0 or less
    high: float  # to add, 0 or more
    level: float  # share of rows that it holds, 0 to 1

    def around(self, value: float) -> dict[str, float]:
        """The interval around one value, as an answer has it."""
        return {"low": value + self.low, "high": value + self.high, "level": self.level}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Explained:
    """The one number of an output that is explained."""

    name: str  # what it is called in an answer
    beside: Mapping[str, Value]  # what else the answer says of it
    pick: Callable[[Output], float]  # finds it in another row's output


class Answers(Protocol):
    """One kind of task."""

    width: int  # numbers that the model gives for a row
    expectation: str  # of one row's output, in words
    has_interval: bool  # whether a version may have an interval

    def read(self, values: list[Any]) -> Output:
        """One row's output.

        Args:
            values: what the model server says of the row; [width].

        Raises:
            ValueError: The values are no output of this kind.
        """

    def decide(self, outputs: Sequence[Output]) -> list[Value | None]:
        """The decision for each row; None where the kind of task has none."""

    def describe(
        self, outputs: Sequence[Output], decisions: Sequence[Value | None], most: int | None, interval: Interval | None
    ) -> list[dict[str, Any]]:
        """The answer for each row, as serving.gateway.responses documents it.

        Args:
            outputs: of the rows.
            decisions: of the rows.
            most: classes at most; None: all.
            interval: of the version that answered; None: it has none.
        """

    def explain(self, output: Output) -> Explained:
        """Which number of a row's output an explanation is about."""


class BinaryAnswers:
    """A probability, and whether it is at least the threshold."""

    width = 1
    expectation = "a probability"
    has_interval = False

    def __init__(self, threshold: float):
        self._threshold = threshold

    def read(self, values: list[Any]) -> float:
        """One row's probability."""
        return _probability(*values)

    def decide(self, outputs: Sequence[float]) -> list[Value | None]:
        """Whether each probability is at least the threshold."""
        return [probability >= self._threshold for probability in outputs]

    def describe(
        self, outputs: Sequence[float], decisions: Sequence[Value | None], most: int | None, interval: Interval | None
    ) -> list[dict[str, Any]]:
        """Probability and decision."""
        return [
            {"probability": probability, "decision": decision}
            for probability, decision in zip(outputs, decisions, strict=True)
        ]

    def explain(self, output: float) -> Explained:
        """The probability."""
        return Explained(name="probability", beside={}, pick=float)


class MulticlassAnswers:
    """The most probable class, and the probability of each."""

    has_interval = False

    def __init__(self, classes: Sequence[Value]):
        self._classes = tuple(classes)
        self.width = len(self._classes)
        self.expectation = f"{self.width} probabilities that add up to 1"

    def read(self, values: list[Any]) -> list[float]:
        """One row's probabilities, in the order of the classes."""
        probabilities = list(map(_probability, values))
        if abs(math.fsum(probabilities) - 1) > _SUM_TOLERANCE:
            raise ValueError("they do not add up to 1")
        return probabilities

    def decide(self, outputs: Sequence[list[float]]) -> list[Value | None]:
        """The most probable class; of equal ones, the first."""
        return [self._classes[each.index(max(each))] for each in outputs]

    def describe(
        self,
        outputs: Sequence[list[float]],
        decisions: Sequence[Value | None],
        most: int | None,
        interval: Interval | None,
    ) -> list[dict[str, Any]]:
        """The decision, and the classes in descending order of their probability; equal ones in the contract's."""
        return [
            {"decision": decision, "probabilities": self._ranked(probabilities)[:most]}
            for probabilities, decision in zip(outputs, decisions, strict=True)
        ]

    def explain(self, output: list[float]) -> Explained:
        """The probability of the class that is decided for."""
        place = output.index(max(output))
        return Explained(name="probability", beside={"class": self._classes[place]}, pick=operator.itemgetter(place))

    def _ranked(self, probabilities: list[float]) -> list[dict[str, Any]]:
        pairs = zip(self._classes, probabilities, strict=True)
        return [
            {"class": name, "probability": probability}
            for name, probability in sorted(pairs, key=lambda pair: -pair[1])  # sorted() keeps the order of equal ones
        ]


class RegressionAnswers:
    """A number in the label's unit."""

    width = 1
    expectation = "a finite number"
    has_interval = True

    def __init__(self, unit: str):
        self._unit = unit or None

    def read(self, values: list[Any]) -> float:
        """One row's value."""
        (value,) = values
        if not _is_number(value):
            raise ValueError("it is no finite number")
        return float(value)

    def decide(self, outputs: Sequence[float]) -> list[Value | None]:
        """No decision."""
        return [None] * len(outputs)

    def describe(
        self, outputs: Sequence[float], decisions: Sequence[Value | None], most: int | None, interval: Interval | None
    ) -> list[dict[str, Any]]:
        """Value, unit, and the interval where there is one."""
        return [
            {"value": value, "unit": self._unit, "interval": interval and interval.around(value)} for value in outputs
        ]

    def explain(self, output: float) -> Explained:
        """The value."""
        return Explained(name="value", beside={}, pick=float)


def answers_of(target: Target, threshold: float) -> Answers:
    """The kind of task that a target poses.

    Args:
        target: what is predicted.
        threshold: of a binary task.
    """
    if target.problem == MULTICLASS:
        return MulticlassAnswers(target.classes)
    return RegressionAnswers(target.unit) if target.problem == REGRESSION else BinaryAnswers(threshold)


def read_column(column: object, rows: int, answers: Answers) -> list[Output]:
    """The outputs of all rows, from what the model server says.

    Args:
        column: one element for each row: a list of numbers, or a number where the model gives one.
        rows: how many there have to be.
        answers: reads one row's.

    Raises:
        ValueError, TypeError: There is not one output for each row, or one is not of this kind.
    """
    if not isinstance(column, list) or len(column) != rows:
        raise ValueError("expected one output for each row")
    found = []
    for each in column:
        values = each if isinstance(each, list) else [each]
        if len(values) != answers.width:
            raise ValueError(f"expected {answers.width} numbers for each row")
        found.append(answers.read(values))
    return found


def read_interval(outputs: Any) -> Interval:
    """The interval of a version, from what its signature says of the value 0.

    Raises:
        ValueError, KeyError, TypeError: The signature says no interval around 0.
    """
    (low,), (high,), (level,) = (outputs[name] for name in ("low", "high", "level"))
    if not all(map(_is_number, (low, high, level))) or not low <= 0 <= high or not 0 < level < 1:
        raise ValueError("expected low <= 0 <= high, and a level between 0 and 1")
    # The server writes the shortest decimals that stand for its float32, so that 0.9 is 0.9.
    return Interval(low=float(low), high=float(high), level=float(level))


def _is_number(value: Any) -> bool:
    # By type, not by what float() takes: true and "0.5" are no numbers.
    return type(value) in (float, int) and abs(value) <= _LARGEST


def _probability(value: Any) -> float:
    if not _is_number(value) or not 0 <= value <= 1:
        raise ValueError("it is no probability")
    return float(value)
