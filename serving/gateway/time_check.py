"""Times in requests: said in ISO 8601, and columns that are parts of them filled in, or held against them."""

from collections.abc import Sequence

from serving.contract import Contract, Feature, Row, Value
from serving.contract.time_parts import IsoTimeError, TimePart, WallClock
from serving.gateway.problems import FieldProblem


def read_time(contract: Contract, feature: Feature, value: object) -> object:
    """The column's number for a time in ISO 8601; anything else as it is, for the feature's own check.

    Raises:
        IsoTimeError: The text is no time in ISO 8601, or one that the contract does not allow.
    """
    if feature.clock is None or not isinstance(value, str):
        return value
    number = feature.clock.read(value)
    if not feature.accepts(number, contract.missing):
        raise IsoTimeError(value)
    return number


def fill_parts(contract: Contract, row: Row) -> Row:
    """The row with the parts of its times that it leaves out."""
    filled: dict[str, Value | None] = {}
    for part, clock in contract.time_parts:
        time = row[part.source]
        if row[part.name] is None and time is not None:
            filled[part.name] = part.compute(time, clock.units)
    return {**row, **filled} if filled else row


def find_contradictions(contract: Contract, rows: Sequence[Row], most: int) -> list[FieldProblem]:
    """Find parts that contradict their time, that the contract does not allow, or that are lacking with their time.

    Args:
        contract: says which columns are parts of which time.
        rows: that the contract allows otherwise, as `fill_parts` gives them.
        most: problems at most.
    """
    found: list[FieldProblem] = []
    parts = {feature.name: feature for feature in contract.features if feature.part}
    for number, row in enumerate(rows):
        for part, clock in contract.time_parts:
            problem = _judge(contract, number, row, parts[part.name], part, clock)
            if problem:
                found.append(problem)
                if len(found) >= most:
                    return found
    return found


def _judge(
    contract: Contract, number: int, row: Row, feature: Feature, part: TimePart, clock: WallClock
) -> FieldProblem | None:
    time, value = row[part.source], row[part.name]
    if value is None:
        if not feature.required:
            return None
        expected = f"{feature.expectation}, or {part.source}, which tells it"
        return FieldProblem(row=number, field=part.name, expected=expected, received="nothing")
    if not isinstance(time, int):
        return None
    if value != part.compute(time, clock.units):
        return FieldProblem(row=number, field=part.name, expected=part.expectation(time, clock), received=str(value))
    if not feature.accepts(value, contract.missing):  # one that was left out is not checked before it is filled in
        received = f"{value}, as {part.source} {time} ({clock.show(time)}) tells"
        return FieldProblem(row=number, field=part.name, expected=feature.expectation, received=received)
    return None
