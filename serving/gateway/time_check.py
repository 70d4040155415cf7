"""Read times in ISO 8601 from requests, and fill in or check the columns that are parts of them."""

from collections.abc import Sequence

from serving.contract import Contract, Feature, Row, Value
from serving.contract.time_parts import IsoTimeError, TimePart, WallClock
from serving.gateway.problems import FieldProblem


def read_time(contract: Contract, feature: Feature, value: object) -> object:
    """Convert a time in ISO 8601 to the column's number; return any other value unchanged.

    Args:
        contract: the features of a row.
        feature: the column.
        value: as sent.

    Returns:
        The value for the feature's own check.

    Raises:
        IsoTimeError: The text is not a time in ISO 8601, or the contract does not allow the time.
    """
    if feature.clock is None or not isinstance(value, str):
        return value
    number = feature.clock.read(value)
    if not feature.accepts(number, contract.missing):
        raise IsoTimeError(value)
    return number


def fill_parts(contract: Contract, row: Row) -> Row:
    """Return the row with the omitted parts of its times filled in."""
    filled: dict[str, Value | None] = {}
    for part, clock in contract.time_parts:
        time = row[part.source]
        if row[part.name] is None and time is not None:
            filled[part.name] = part.compute(time, clock.units)
    return {**row, **filled} if filled else row


def find_contradictions(contract: Contract, rows: Sequence[Row], most: int) -> list[FieldProblem]:
    """Find parts of times that contradict their time, break the contract, or are missing without it.

    Args:
        contract: says which columns are parts of which time.
        rows: otherwise valid rows, as returned by `fill_parts`.
        most: the limit of problems.

    Returns:
        The problems.
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
        expected = f"{feature.expectation}, or {part.source}, from which it follows"
        return FieldProblem(row=number, field=part.name, expected=expected, received="nothing")
    if not isinstance(time, int):
        return None
    if value != part.compute(time, clock.units):
        return FieldProblem(row=number, field=part.name, expected=part.expectation(time, clock), received=str(value))
    if not feature.accepts(value, contract.missing):  # a filled-in value was not checked before
        received = f"{value}, which follows from {part.source} {time} ({clock.show(time)})"
        return FieldProblem(row=number, field=part.name, expected=feature.expectation, received=received)
    return None
