"""What a request may hold: the features of a contract that a client sends, typed, without TensorFlow.

The contract is a `tensorflow_metadata` Schema in text format. Everything that is said of a feature here is read from
it: type, range, known values, whether it is required, and for people a description, a label, a unit and an example, as
annotations::

    feature {
      name: "fare"
      annotation { comment: "By the meter, without tip" tag: "label:Fare" tag: "unit:USD" tag: "example:7.65" }
      ...
    }
"""

import dataclasses
import enum
import functools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from serving.contract import dates
from serving.contract.domains import allowed_values, known_strings, number_range
from serving.contract.missing_values import MissingValues, in_float32
from serving.contract.span_time import find_time_format
from serving.contract.time_parts import PART_TAG, ZONE_TAG, TimePart, WallClock, find_time_part, find_wall_clock
from serving.csv_text.number_formats import NumberFormat

SERVING_ENVIRONMENT = "SERVING"  # of the contract: what a request holds, which is everything but the label

Value = int | float | str
Row = Mapping[str, Value | None]  # feature -> value; None, or a name left out: missing

CLASS_TAG = "class:"  # of a label: one of its values; as many tags as classes, in the order of the model's outputs
_EXAMPLE_TAG, _LABEL_TAG, _UNIT_TAG = "example:", "label:", "unit:"
_INT64 = (-(2**63), 2**63 - 1)
_FLOAT32 = (-3.4028234663852886e38, 3.4028234663852886e38)


class ContractError(ValueError):
    """The contract cannot be read, or describes no request of one plain value per feature."""


class Kind(enum.Enum):
    """The type of a feature, named as the contract names it; the value is its dtype in the model's signature."""

    INT = "int64"
    FLOAT = "float32"
    BYTES = "string"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Feature:
    """One feature of a request."""

    name: str
    kind: Kind
    required: bool  # else it may be left out
    low: int | float | None = None  # least and greatest number, None where the contract leaves it open or for strings
    high: int | float | None = None
    known: tuple[str, ...] = ()  # the strings that the contract lists, in its order
    closed: bool = False  # whether only known strings are allowed
    written: str = ""  # format of a date or time; see serving.contract.dates; empty for what is none
    number_format: NumberFormat | None = None  # how files write its numbers; None: as programs do
    description: str = ""
    example: Value | None = None
    values: tuple[Value, ...] = ()  # all that it may be, in the contract's order; none where that does not list them
    label: str = ""  # what people call it; empty: as its name says
    unit: str = ""  # of its numbers, such as USD; empty where there is none
    clock: WallClock | None = None  # whose time its numbers count; a request may then say it in ISO 8601
    part: TimePart | None = None  # of which time it is a part; a request may then leave it out

    @property
    def asked(self) -> bool:
        """Whether every request has to say it."""
        return self.required and self.part is None

    @property
    def title(self) -> str:
        """What people call it."""
        return self.label or self.name.replace("_", " ").capitalize()

    def accepts(self, value: object, missing: MissingValues) -> bool:
        """Whether the contract allows the value; one that would be read as "missing" is none, None neither."""
        if self.written and dates.parse(str(value), self.written) is None:
            return False
        if self.kind is Kind.BYTES:
            known = not self.closed or value in self.known
            return isinstance(value, str) and not missing.is_spelled_by(value) and known
        if not isinstance(value, int if self.kind is Kind.INT else int | float) or isinstance(value, bool):
            return False
        least, greatest = _INT64 if self.kind is Kind.INT else _FLOAT32
        if not least <= value <= greatest:  # false for NaN
            return False
        # The contract's bounds are float32, and so is what the model and the statistics see of a number.
        low, seen, high = (
            number if self.kind is Kind.INT else in_float32(number)
            for number in (least if self.low is None else self.low, value, greatest if self.high is None else self.high)
        )
        return low <= seen <= high and seen != missing.number and not missing.is_spelled_by(value)

    @functools.cached_property
    def expectation(self) -> str:
        """What a value has to be, in words."""
        if self.kind is Kind.BYTES:
            if self.closed:
                return "one of " + ", ".join(f'"{value}"' for value in self.known)
            return f"a date or time written {self.written}" if self.written else "a string that is not blank"
        if self.clock:
            return f"{self._number_expectation}, or {self.clock.expectation}"
        return self._number_expectation

    @property
    def _number_expectation(self) -> str:
        noun = "a whole number" if self.kind is Kind.INT else "a number"
        if self.written:
            noun = f"a date or time written {self.written}, as {noun},"
        if self.low is not None and self.high is not None:
            return f"{noun} from {self.low:.15g} to {self.high:.15g}"
        if self.low is not None:
            return f"{noun} of at least {self.low:.15g}"
        if self.high is not None:
            return f"{noun} of at most {self.high:.15g}"
        return f"{noun} that {self.kind.value} holds"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contract:
    """The features of a request in the contract's order, and how the model is told that one is missing."""

    features: tuple[Feature, ...]
    missing: MissingValues

    @property
    def example(self) -> dict[str, Value]:
        """One request, made of the features' examples; those without one are left out."""
        return {feature.name: feature.example for feature in self.features if feature.example is not None}

    @functools.cached_property
    def time_parts(self) -> tuple[tuple[TimePart, WallClock], ...]:
        """The columns that are parts of a time, each with the clock of that time."""
        by_name = {feature.name: feature for feature in self.features}
        found = ((feature.part, by_name[feature.part.source].clock) for feature in self.features if feature.part)
        return tuple((part, clock) for part, clock in found if clock)

    def inputs(self, rows: Sequence[Row]) -> dict[str, list[Value]]:
        """The rows as the columns that serving_raw takes, every missing value (None or left out) spelled out."""
        columns: dict[str, list[Value]] = {}
        for feature in self.features:
            spelled = self.missing.string if feature.kind is Kind.BYTES else self.missing.number
            values = (row.get(feature.name) for row in rows)
            columns[feature.name] = [spelled if value is None else value for value in values]
        return columns


def read(path: str | Path) -> Contract:
    """Reads the contract in a file.

    Raises:
        ContractError: There is no such file, it is no Schema in text format, a feature of a request is not one plain
            number or string, the format of a date or number is unknown, an example breaks the contract, or a required
            feature lacks one while others have it.
    """
    try:
        schema = text_format.Parse(Path(path).read_text(encoding="utf-8"), schema_pb2.Schema())
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise ContractError(
            f"the contract {path} cannot be read: expected a Schema in text format, received {error}; "
            "name a file such as data/schema/taxi.pbtxt."
        ) from error
    return from_schema(schema)


def from_schema(schema: schema_pb2.Schema) -> Contract:
    """The contract that a Schema describes.

    Raises:
        ContractError: As read() does.
    """
    try:
        missing = MissingValues.from_schema(schema)
    except ValueError as error:
        raise ContractError(str(error)) from error
    features = tuple(
        _feature(feature, schema) for feature in schema.feature if SERVING_ENVIRONMENT not in feature.not_in_environment
    )
    for feature in features:
        if feature.example is not None and not feature.accepts(feature.example, missing):
            raise ContractError(
                f"the contract's example of {feature.name} breaks the contract: expected {feature.expectation}, "
                f"received {feature.example!r}; change the tag {_EXAMPLE_TAG}…"
            )
        if feature.required and feature.example is None and any(other.example is not None for other in features):
            raise ContractError(
                f"the contract gives examples, but none of {feature.name}, which is required: expected a tag "
                f"{_EXAMPLE_TAG}… in its annotation, received none; add it."
            )
    for feature in features:
        if feature.part and not any(each.name == feature.part.source and each.clock for each in features):
            raise ContractError(
                f"the contract says that {feature.name} is a part of {feature.part.source}: expected a column of "
                f"requests with a tag {ZONE_TAG}…, received none of this name; correct the tag {PART_TAG}…, or add it."
            )
    contract = Contract(features=features, missing=missing)
    for part, clock in contract.time_parts:
        time, given = contract.example.get(part.source), contract.example.get(part.name)
        right = part.compute(time, clock.units) if isinstance(time, int) else given
        if given is not None and given != right:
            raise ContractError(
                f"the contract's examples of {part.source} and {part.name} contradict each other: expected {right}, "
                f"the {part.part} of {clock.show(int(time or 0))}, received {given}; change one."
            )
    return contract


def _feature(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> Feature:
    type_name = schema_pb2.FeatureType.Name(feature.type)
    required = feature.presence.min_fraction == 1 and [dim.size for dim in feature.shape.dim] == [1]
    if type_name not in Kind.__members__ or not (required or feature.value_count.max == 1):
        raise ContractError(
            f"{feature.name} cannot be sent as one plain value: expected type INT, FLOAT or BYTES, and either "
            "presence { min_fraction: 1 } with shape { dim { size: 1 } } or value_count { max: 1 }, received type "
            f"{type_name}; change the contract, or keep the feature out of the environment {SERVING_ENVIRONMENT}."
        )
    kind = Kind[type_name]
    low, high = number_range(feature) or (-math.inf, math.inf)
    listed = known_strings(feature, schema)
    return Feature(
        name=feature.name,
        kind=kind,
        required=required,
        low=_as_written(low, kind),
        high=_as_written(high, kind),
        known=tuple(sorted(listed)),
        closed=bool(listed) and feature.distribution_constraints.min_domain_mass >= 1,
        written=_find_format(feature),
        number_format=_find_number_format(feature),
        clock=_find_clock(feature),
        part=_find_part(feature),
        description=" ".join(feature.annotation.comment),
        example=_example(feature, kind),
        values=_values(feature, schema, kind),
        label=_text(feature, _LABEL_TAG),
        unit=_text(feature, _UNIT_TAG),
    )


def _as_written(bound: int | float, kind: Kind) -> int | float | None:
    """The bound with the digits that the contract was written with; None where it is open.

    The proto holds float32, so 41.63 is read as 41.630001068115234; 9 digits tell any two float32 apart.
    """
    if math.isinf(bound):
        return None
    if kind is Kind.INT:
        return int(bound)
    shortened = (float(f"{bound:.{digits}g}") for digits in range(1, 10))
    return next((number for number in shortened if in_float32(number) == bound), bound)


def _find_format(feature: schema_pb2.Feature) -> str:
    try:
        return dates.find_format(feature.name, feature.annotation.tag, schema_pb2.FeatureType.Name(feature.type))
    except ValueError as error:
        raise ContractError(f"the contract: {error}") from error


def _find_number_format(feature: schema_pb2.Feature) -> NumberFormat | None:
    try:
        return NumberFormat.from_tags(feature.name, feature.annotation.tag)
    except ValueError as error:
        raise ContractError(f"the contract: {error}") from error


def _find_clock(feature: schema_pb2.Feature) -> WallClock | None:
    type_name = schema_pb2.FeatureType.Name(feature.type)
    try:
        written = find_time_format(feature.name, feature.annotation.tag, type_name) or _find_format(feature)
        return find_wall_clock(feature.name, feature.annotation.tag, written)
    except ValueError as error:
        raise ContractError(f"the contract: {error}") from error


def _find_part(feature: schema_pb2.Feature) -> TimePart | None:
    try:
        return find_time_part(feature.name, feature.annotation.tag, schema_pb2.FeatureType.Name(feature.type))
    except ValueError as error:
        raise ContractError(f"the contract: {error}") from error


def _tagged(feature: schema_pb2.Feature, prefix: str) -> list[str]:
    return [tag.removeprefix(prefix) for tag in feature.annotation.tag if tag.startswith(prefix)]


def _text(feature: schema_pb2.Feature, prefix: str) -> str:
    written = _tagged(feature, prefix)
    if len(written) > 1:
        raise ContractError(
            f"the contract has {len(written)} tags {prefix}… of {feature.name}: expected one at most, received "
            f"{', '.join(written)}; keep one."
        )
    return written[0] if written else ""


def _example(feature: schema_pb2.Feature, kind: Kind) -> Value | None:
    written = _tagged(feature, _EXAMPLE_TAG)
    if not written:
        return None
    if len(written) > 1:
        raise ContractError(
            f"the contract gives {len(written)} examples of {feature.name}: expected one tag {_EXAMPLE_TAG}…, "
            f"received {', '.join(written)}; keep one."
        )
    return _value(feature, _EXAMPLE_TAG, written[0], kind)


def _values(feature: schema_pb2.Feature, schema: schema_pb2.Schema, kind: Kind) -> tuple[Value, ...]:
    """All values of a feature: by its tags class:…, else by its domain."""
    written = _tagged(feature, CLASS_TAG)
    found = tuple(_value(feature, CLASS_TAG, each, kind) for each in written)
    if len(set(found)) < len(found):
        raise ContractError(
            f"the contract names a value of {feature.name} twice: expected different tags {CLASS_TAG}…, received "
            f"{', '.join(written)}; remove one."
        )
    return found or allowed_values(feature, schema)


def _value(feature: schema_pb2.Feature, prefix: str, text: str, kind: Kind) -> Value:
    try:
        return {Kind.INT: int, Kind.FLOAT: float, Kind.BYTES: str}[kind](text)
    except ValueError as error:
        raise ContractError(
            f"the contract's {prefix.removesuffix(':')} of {feature.name} is of another type: expected {kind.name}, "
            f"received {text!r}; change the tag {prefix}…"
        ) from error
