"""Read, decide and describe a model's outputs, by kind of task."""

import dataclasses
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from serving.contract import Value
from serving.contract.missing_values import shortest_in_float32
from serving.contract.target import Target
from serving.problem import MULTICLASS, REGRESSION

_SUM_TOLERANCE = 1e-3  # float32 probabilities of a thousand classes add up to 1 within a tenth of this
_LARGEST = 3.4028234663852886e38  # float32; comparisons with it are false for NaN

Output = Any  # of one row: a float, or a list of floats for a multiclass task


@dataclasses.dataclass(frozen=True, kw_only=True)
class Interval:
    """The interval around the values of one model version: two constants that are added to each value."""

    low: float  # added to the value, 0 or less
    high: float  # added to the value, 0 or more
    level: float  # expected share of labels inside, 0 to 1

    def around(self, value: float) -> dict[str, float]:
        """Return the interval around one value, as in an answer.

        A value of a float32 output gets bounds in float32, with the fewest digits: sums in double precision would have
        digits that no model computed.

        Args:
            value: as the model server wrote it, with the fewest digits.

        Returns:
            The bounds, and the level.
        """
        low, high = value + self.low, value + self.high
        if shortest_in_float32(value) == value:
            low, high = shortest_in_float32(low), shortest_in_float32(high)
        return {"low": low, "high": high, "level": self.level}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Explained:
    """The number of an output that is explained."""

    name: str  # its name in an answer
    further: Mapping[str, Value]  # further fields of the answer
    pick: Callable[[Output], float]  # finds it in another row's output


class Answers(Protocol):
    """Reads and describes the outputs of one kind of task."""

    width: int  # numbers that the model returns for a row
    expectation: str  # one row's output, in words
    has_interval: bool  # whether a version may have an interval

    def read(self, values: list[Any]) -> Output:
        """Read one row's output.

        Args:
            values: the model server's numbers for the row; [width].

        Returns:
            The output.

        Raises:
            ValueError: The values are not an output of this kind.
        """

    def decide(self, outputs: Sequence[Output]) -> list[Value | None]:
        """Return the decision for each row; None where the kind of task has none."""

    def describe(
        self, outputs: Sequence[Output], decisions: Sequence[Value | None], most: int | None, interval: Interval | None
    ) -> list[dict[str, Any]]:
        """Describe each row, as serving.gateway.responses documents it.

        Args:
            outputs: of the rows.
            decisions: of the rows.
            most: the limit of classes; None means all.
            interval: of the version that answered; None if it has none.

        Returns:
            A JSON object for each row.
        """

    def explain(self, output: Output) -> Explained:
        """Return the number of a row's output that an explanation is about."""


class BinaryAnswers:
    """A probability, and whether it reaches the threshold."""

    width = 1
    expectation = "a probability"
    has_interval = False

    def __init__(self, threshold: float):
        self._threshold = threshold

    def read(self, values: list[Any]) -> float:
        """Read one row's probability."""
        return _probability(*values)

    def decide(self, outputs: Sequence[float]) -> list[Value | None]:
        """Return whether each probability reaches the threshold."""
        return [probability >= self._threshold for probability in outputs]

    def describe(
        self, outputs: Sequence[float], decisions: Sequence[Value | None], most: int | None, interval: Interval | None
    ) -> list[dict[str, Any]]:
        """Return probability and decision of each row."""
        return [
            {"probability": probability, "decision": decision}
            for probability, decision in zip(outputs, decisions, strict=True)
        ]

    def explain(self, output: float) -> Explained:
        """Return the probability."""
        return Explained(name="probability", further={}, pick=float)


class MulticlassAnswers:
    """The most probable class, and the probability of each class."""

    has_interval = False

    def __init__(self, classes: Sequence[Value]):
        self._classes = tuple(classes)
        self.width = len(self._classes)
        self.expectation = f"{self.width} probabilities that add up to 1"

    def read(self, values: list[Any]) -> list[float]:
        """Read one row's probabilities, in the order of the classes."""
        probabilities = list(map(_probability, values))
        if abs(math.fsum(probabilities) - 1) > _SUM_TOLERANCE:
            raise ValueError("the probabilities do not add up to 1")
        return probabilities

    def decide(self, outputs: Sequence[list[float]]) -> list[Value | None]:
        """Return the most probable class; the first of equal ones."""
        return [self._classes[each.index(max(each))] for each in outputs]

    def describe(
        self,
        outputs: Sequence[list[float]],
        decisions: Sequence[Value | None],
        most: int | None,
        interval: Interval | None,
    ) -> list[dict[str, Any]]:
        """Return decision and classes of each row, by descending probability; ties keep the contract's order."""
        return [
            {"decision": decision, "probabilities": self._ranked(probabilities)[:most]}
            for probabilities, decision in zip(outputs, decisions, strict=True)
        ]

    def explain(self, output: list[float]) -> Explained:
        """Return the probability of the decided class."""
        place = output.index(max(output))
        return Explained(name="probability", further={"class": self._classes[place]}, pick=operator.itemgetter(place))

    def _ranked(self, probabilities: list[float]) -> list[dict[str, Any]]:
        pairs = zip(self._classes, probabilities, strict=True)
        return [
            {"class": name, "probability": probability}
            for name, probability in sorted(pairs, key=lambda pair: -pair[1])  # sorted() keeps the order of ties
        ]


class RegressionAnswers:
    """A number in the label's unit."""

    width = 1
    expectation = "a finite number"
    has_interval = True

    def __init__(self, unit: str):
        self._unit = unit or None

    def read(self, values: list[Any]) -> float:
        """Read one row's value."""
        (value,) = values
        if not _is_number(value):
            raise ValueError("the value is not a finite number")
        return float(value)

    def decide(self, outputs: Sequence[float]) -> list[Value | None]:
        """Return None for each row: a regression decides nothing."""
        return [None] * len(outputs)

    def describe(
        self, outputs: Sequence[float], decisions: Sequence[Value | None], most: int | None, interval: Interval | None
    ) -> list[dict[str, Any]]:
        """Return value, unit, and the interval if there is one."""
        return [
            {"value": value, "unit": self._unit, "interval": interval and interval.around(value)} for value in outputs
        ]

    def explain(self, output: float) -> Explained:
        """Return the value."""
        return Explained(name="value", further={}, pick=float)


def answers_of(target: Target, threshold: float) -> Answers:
    """Return the reader of a target's outputs.

    Args:
        target: the kind of task, with its classes or unit.
        threshold: of a binary task.

    Returns:
        The reader.
    """
    if target.problem == MULTICLASS:
        return MulticlassAnswers(target.classes)
    return RegressionAnswers(target.unit) if target.problem == REGRESSION else BinaryAnswers(threshold)


def read_column(column: object, rows: int, answers: Answers) -> list[Output]:
    """Read the outputs of all rows.

    Args:
        column: the model server's outputs, one element for each row: a list of numbers, or one number.
        rows: the expected number of rows.
        answers: reads one row's output.

    Returns:
        The output of each row.

    Raises:
        ValueError: There is not one output for each row, or one is not of this kind.
        TypeError: An output is not a list of numbers or a number.
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
    """Read a version's interval from its signature's answer to the value 0.

    Args:
        outputs: the signature's outputs, by name.

    Returns:
        The interval.

    Raises:
        ValueError: The outputs are not an interval around 0.
        KeyError: An output is missing.
        TypeError: An output is not a list.
    """
    (low,), (high,), (level,) = (outputs[name] for name in ("low", "high", "level"))
    if not all(map(_is_number, (low, high, level))) or not low <= 0 <= high or not 0 < level < 1:
        raise ValueError("expected low <= 0 <= high, and a level between 0 and 1")
    # The server writes the fewest decimals that identify a float32, so that 0.9 is read as 0.9.
    return Interval(low=float(low), high=float(high), level=float(level))


def _is_number(value: Any) -> bool:
    # Check the type itself: float() would take true and "0.5".
    return type(value) in (float, int) and abs(value) <= _LARGEST


def _probability(value: Any) -> float:
    if not _is_number(value) or not 0 <= value <= 1:
        raise ValueError("the value is not a probability")
    return float(value)
