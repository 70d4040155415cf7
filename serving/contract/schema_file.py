"""Read the contract: a `tensorflow_metadata` Schema in text format, with annotations for people and for requests."""

import math
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from serving.contract import dates
from serving.contract.contract import SERVING_ENVIRONMENT, Contract, ContractError, Feature, Kind, Value
from serving.contract.domains import allowed_values, known_strings, number_range
from serving.contract.missing_values import MissingValues, shortest_in_float32
from serving.contract.span_time import find_time_format
from serving.contract.time_parts import PART_TAG, ZONE_TAG, TimePart, WallClock, find_time_part, find_wall_clock
from serving.csv_text.number_formats import NumberFormat

CLASS_TAG = "class:"  # of a label: one of its values; one tag per class, in the order of the model's outputs
_EXAMPLE_TAG, _LABEL_TAG, _UNIT_TAG = "example:", "label:", "unit:"


def read(path: str | Path) -> Contract:
    """Read the contract in a file.

    Args:
        path: the file.

    Returns:
        The contract.

    Raises:
        ContractError: The file is missing or is not a Schema in text format, a feature of requests is not one plain
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
    """Return the contract that a Schema describes.

    Args:
        schema: in memory.

    Returns:
        The contract.

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
    _check_examples(features, missing)
    _check_parts(features)
    unsent = frozenset(feature.name for feature in schema.feature if SERVING_ENVIRONMENT in feature.not_in_environment)
    contract = Contract(features=features, missing=missing, unsent=unsent)
    _check_example_of_parts(contract)
    return contract


def _check_examples(features: tuple[Feature, ...], missing: MissingValues) -> None:
    for feature in features:
        if feature.example is not None and not feature.accepts(feature.example, missing):
            raise ContractError(
                f"the contract's example of {feature.name} breaks the contract: expected {feature.expectation}, "
                f"received {feature.example!r}; change the tag {_EXAMPLE_TAG}VALUE."
            )
        if feature.required and feature.example is None and any(other.example is not None for other in features):
            raise ContractError(
                f"the contract has examples, but none of {feature.name}, which is required: expected a tag "
                f"{_EXAMPLE_TAG}VALUE in its annotation, received none; add it."
            )


def _check_parts(features: tuple[Feature, ...]) -> None:
    clocks = {feature.name for feature in features if feature.clock}
    for feature in features:
        if feature.part and feature.part.source not in clocks:
            raise ContractError(
                f"the contract says that {feature.name} is a part of {feature.part.source}: expected a column of "
                f"requests with a tag {ZONE_TAG}ZONE, received none of this name; correct the tag {PART_TAG}COLUMN "
                "PART, or add the column."
            )


def _check_example_of_parts(contract: Contract) -> None:
    for part, clock in contract.time_parts:
        time, given = contract.example.get(part.source), contract.example.get(part.name)
        if isinstance(time, int) and given is not None and given != part.compute(time, clock.units):
            raise ContractError(
                f"the contract's examples of {part.source} and {part.name} contradict each other: expected "
                f"{part.expectation(time, clock)}, received {given}; change one."
            )


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
        enumerated=bool(_tagged(feature, CLASS_TAG)),
        label=_text(feature, _LABEL_TAG),
        unit=_text(feature, _UNIT_TAG),
    )


def _as_written(bound: int | float, kind: Kind) -> int | float | None:
    """Return a bound with the digits in the contract; None if it is open.

    The proto holds float32, so 41.63 is read as 41.630001068115234.
    """
    if math.isinf(bound):
        return None
    if kind is Kind.INT:
        return int(bound)
    return shortest_in_float32(bound)


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
            f"the contract has {len(written)} tags {prefix}VALUE of {feature.name}: expected one at most, received "
            f"{', '.join(written)}; keep one."
        )
    return written[0] if written else ""


def _example(feature: schema_pb2.Feature, kind: Kind) -> Value | None:
    written = _tagged(feature, _EXAMPLE_TAG)
    if not written:
        return None
    if len(written) > 1:
        raise ContractError(
            f"the contract has {len(written)} examples of {feature.name}: expected one tag {_EXAMPLE_TAG}VALUE, "
            f"received {', '.join(written)}; keep one."
        )
    return _value(feature, _EXAMPLE_TAG, written[0], kind)


def _values(feature: schema_pb2.Feature, schema: schema_pb2.Schema, kind: Kind) -> tuple[Value, ...]:
    """Return all values of a feature: by its tags `class:`, otherwise by its domain."""
    written = _tagged(feature, CLASS_TAG)
    found = tuple(_value(feature, CLASS_TAG, each, kind) for each in written)
    if len(set(found)) < len(found):
        raise ContractError(
            f"the contract names a value of {feature.name} twice: expected different tags {CLASS_TAG}VALUE, received "
            f"{', '.join(written)}; remove one."
        )
    return found or allowed_values(feature, schema)


def _value(feature: schema_pb2.Feature, prefix: str, text: str, kind: Kind) -> Value:
    try:
        return {Kind.INT: int, Kind.FLOAT: float, Kind.BYTES: str}[kind](text)
    except ValueError as error:
        raise ContractError(
            f"the contract's {prefix.removesuffix(':')} of {feature.name} is of another type: expected {kind.name}, "
            f"received {text!r}; change the tag {prefix}VALUE."
        ) from error
