"""Validate a request's rows with a pydantic model made from the contract, and explain their faults."""

import itertools
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import pydantic
import pydantic_core

from serving.contract import Contract, Feature, Kind, Row, Value
from serving.did_you_mean import closest
from serving.gateway.problems import FieldProblem, ProblemError
from serving.gateway.time_check import fill_parts, find_contradictions, read_time

MOST_ERRORS = 50  # in one answer; the first errors of many invalid rows are enough
INVALID_ROWS = "invalid_rows"  # the code of the answer
_LONGEST_NAME = 100  # characters shown of an unknown field's name; a longer name is no typo

_LARGEST = 2.0**63  # larger floats are not int64, and stay as sent for the error to show
_VALIDATED_TOGETHER = 10  # rows validated at a time, until there are enough errors


def _whole(value: object) -> object:
    """Convert a number such as 14.0, which is an integer to JSON Schema; return any other value unchanged."""
    return int(value) if type(value) is float and value.is_integer() and abs(value) <= _LARGEST else value


_TYPES: dict[Kind, Any] = {
    Kind.INT: Annotated[int, pydantic.Field(strict=True), pydantic.BeforeValidator(_whole)],
    Kind.FLOAT: Annotated[float, pydantic.Field(strict=True, allow_inf_nan=False)],
    Kind.BYTES: Annotated[str, pydantic.Field(strict=True)],
}


class RowValidator:
    """Check the rows of a request.

    Args:
        contract: the features of a row.
        name: the row type's name in the API's documentation.
        most: the limit of rows in one request.
    """

    def __init__(self, contract: Contract, name: str, most: int):
        self.contract = contract
        self.model = row_model(contract, name)
        self._features = {feature.name: feature for feature in contract.features}
        self._most = most
        # The class is made from the contract at run time: mypy cannot know it.
        self._adapter = pydantic.TypeAdapter(list[self.model])  # type: ignore[name-defined]

    def check(self, sent: object, lines: Sequence[int] | None = None) -> list[Row]:
        """Check a request's value, one object or a list of them, and return its rows.

        Args:
            sent: the value from JSON, or from the cells of a file.
            lines: the file's line of each row; None if no file was sent.

        Returns:
            The rows, with parts of times filled in.

        Raises:
            ProblemError: 413, more rows than allowed; 422, no rows, or rows that break the contract.
        """  # noqa: DOC501 - `refuse_rows` returns a ProblemError
        rows = sent if isinstance(sent, list) else [sent]
        if not rows:
            raise ProblemError(
                422, "no_rows", "There are no rows: expected an object or a list of objects, received []."
            )
        if len(rows) > self._most:
            raise ProblemError(
                413,
                "too_many_rows",
                f"The request has too many rows: expected at most {self._most}, received {len(rows)}; send several.",
            )
        checked: list[Row] = []
        errors: list[tuple[int, Any]] = []  # pydantic's errors, each with the first row of its chunk
        for begin in range(0, len(rows), _VALIDATED_TOGETHER):
            try:
                part = self._adapter.validate_python(list(map(self._cut, rows[begin : begin + _VALIDATED_TOGETHER])))
            except pydantic.ValidationError as error:
                errors += [(begin, item) for item in error.errors(include_url=False, include_context=False)]
                if len(errors) > MOST_ERRORS:
                    break
            else:
                checked += [row.model_dump(by_alias=True) for row in part]
        if errors:
            raise refuse_rows(
                [self._describe_fault(begin, item, lines) for begin, item in errors[:MOST_ERRORS]], len(errors)
            )
        if self.contract.time_parts:
            checked = [fill_parts(self.contract, row) for row in checked]
            if found := find_contradictions(self.contract, checked, MOST_ERRORS + 1):
                raise refuse_rows([_locate(problem, lines) for problem in found], len(found))
        return checked

    def faulty(self, sent: object) -> int:
        """Return the number of rows that break the contract; `check` stops once it has enough errors."""
        rows = sent if isinstance(sent, list) else [sent]
        return sum(not self._fits(row) for row in rows)

    def _fits(self, row: object) -> bool:
        try:
            self._adapter.validate_python([self._cut(row)])
        except pydantic.ValidationError:
            return False
        return True

    def _cut(self, row: object) -> object:
        """Drop all unknown fields beyond those that an answer names: each costs an error."""
        if not isinstance(row, dict) or len(row) <= len(self._features) + MOST_ERRORS:
            return row
        known = {name: value for name, value in row.items() if name in self._features}
        unknown = ((name, value) for name, value in row.items() if name not in self._features)
        return known | dict(itertools.islice(unknown, MOST_ERRORS + 1))

    def _describe_fault(self, begin: int, error: Any, lines: Sequence[int] | None) -> FieldProblem:
        row, *rest = error["loc"]
        row += begin
        name = str(rest[0]) if rest else ""
        received = "nothing" if error["type"] == "missing" else shown(error["input"])
        if not rest:
            expected = "an object with the fields of one row"
        elif name in self.contract.unsent:
            expected = "no value, because this column is the label or no feature, and is not sent in requests"
        elif name not in self._features:
            close = closest(name, self._features) if len(name) <= _LONGEST_NAME else None
            expected = f"no field of this name; did you mean {close}?" if close else "no field of this name"
        else:
            expected = self._features[name].expectation
            is_missing, may_lack = self.contract.missing.is_spelled_by(error["input"]), not self._features[name].asked
            if is_missing and may_lack:
                expected += f", or nothing ({received} means missing: leave the field out)"
            elif is_missing:
                expected += f" ({received} means missing, and this field is required)"
            elif may_lack:
                expected += ", or nothing"
        problem = FieldProblem(row=row, field=name[:_LONGEST_NAME], expected=expected, received=received)
        return _locate(problem, lines)


def _locate(problem: FieldProblem, lines: Sequence[int] | None) -> FieldProblem:
    return problem if lines is None else problem.model_copy(update={"line": lines[problem.row]})


def refuse_rows(found: Sequence[FieldProblem], count: int) -> ProblemError:
    """Return the answer that names the faults in rows: the first MOST_ERRORS of `count`."""
    return ProblemError(422, INVALID_ROWS, _first(found[0], count), errors=found[:MOST_ERRORS])


def _first(first: FieldProblem, count: int) -> str:
    place = f"row {first.row}" if first.line is None else f"line {first.line}"
    place += f", {first.field}" if first.field else ""
    more = f" ({count - 1} more)" if count > 1 else ""
    if count > MOST_ERRORS:
        more = f" (and at least {MOST_ERRORS} more)"
    return f"{place}: expected {first.expected}, received {first.received}{more}."


def row_model(contract: Contract, name: str) -> type[pydantic.BaseModel]:
    """Make the type of one row: strict (no string for a number, no true for 1), without unknown fields.

    The features' names are aliases of the fields: some cannot be attributes, or would hide pydantic's own
    `model_config`, `json` or `copy`.

    Args:
        contract: the features of a row.
        name: the type's name in the API's documentation.

    Returns:
        A pydantic model.
    """
    fields: dict[str, Any] = {
        f"feature_{place}": _field(feature, contract) for place, feature in enumerate(contract.features)
    }
    example: Any = {"examples": [contract.example]} if contract.example else {}
    return pydantic.create_model(
        name,
        __config__=pydantic.ConfigDict(extra="forbid", json_schema_extra=example),
        **fields,
    )


def _field(feature: Feature, contract: Contract) -> tuple[Any, Any]:
    def read(value: object) -> object:
        return read_time(contract, feature, value)  # raises IsoTimeError, a ValueError, which pydantic reports

    def check(value: Value) -> Value:
        if not feature.accepts(value, contract.missing):
            raise pydantic_core.PydanticCustomError("contract", "not as the contract says")
        return value

    kind = Literal[feature.known] if feature.closed else _TYPES[feature.kind]
    annotation: Any = Annotated[kind, pydantic.AfterValidator(check)]
    if feature.clock:
        annotation = Annotated[annotation, pydantic.BeforeValidator(read)]
    stated = {"minimum": feature.low, "maximum": feature.high}
    if feature.kind is Kind.BYTES and not feature.closed:
        stated = {"minLength": 1}
    words: dict[str, Any] = {
        "alias": feature.name,
        "title": feature.title,
        "description": feature.description or None,
        "examples": None if feature.example is None else [feature.example],
    }
    if feature.known and not feature.closed:
        known = ", ".join(feature.known)
        words["description"] = f"{feature.description}. Known: {known}; others are allowed.".removeprefix(". ")
    if feature.unit:
        words["description"] = f"{words['description'] or feature.title} ({feature.unit})"
        words["json_schema_extra"] = {"x-unit": feature.unit}
    listed = feature.values if feature.enumerated else feature.known if feature.closed else ()
    schema: dict[str, Any] = {
        "type": {Kind.INT: "integer", Kind.FLOAT: "number", Kind.BYTES: "string"}[feature.kind],
        **({"enum": list(listed)} if listed else {}),
        **{key: value for key, value in stated.items() if value is not None},
    }
    if feature.clock:
        schema = {"anyOf": [schema, {"type": "string", "description": feature.clock.expectation}]}
    annotation = Annotated[annotation, pydantic.WithJsonSchema(schema)]
    given: dict[str, Any] = {key: value for key, value in words.items() if value is not None}
    if feature.asked:
        return annotation, pydantic.Field(**given)
    return annotation | None, pydantic.Field(default=None, **given)


def shown(value: object) -> str:
    """Return the value as JSON, cut to a length that fits into a message."""
    text = pydantic_core.to_json(value, inf_nan_mode="constants", fallback=repr).decode()
    return text if len(text) <= 80 else f"{text[:79]}…"
