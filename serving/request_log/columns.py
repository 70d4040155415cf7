"""The columns of the request log: one row per row of a request, with features first, then request and answer.

Writer and reader share only this module. A file describes itself: the metadata of its Arrow schema names the features
that were dropped or hashed.

pyarrow is imported where it is used, so that a gateway loads it only when it keeps a log.
"""

import json
from collections.abc import Collection, Iterable
from typing import Any

from serving.contract import Contract, Kind, Value
from serving.contract.missing_values import in_float32
from serving.contract.target import BINARY_TARGET, Target
from serving.did_you_mean import suggestion
from serving.problem import BINARY, MULTICLASS, REGRESSION, Problem

REQUEST_ID = "request_id"  # string
REQUEST_ROW = "request_row"  # int32, the row of the request, from 0
REQUEST_TIME = "request_time"  # timestamp in microseconds, UTC, at the request's arrival
REQUEST_CALLER = "request_caller"  # string, a digest of the API key's name; null if the gateway needs no key
# int64, the version that answered, or was asked last and failed; null when none was chosen
MODEL_VERSION = "model_version"
MODEL_LABEL = "model_label"  # string, such as stable or canary; null without labels, or when no version was chosen
ANSWER_PROBABILITY = "answer_probability"  # float32, from the model; null when no model answered
ANSWER_DECISION = "answer_decision"  # bool; null when no model answered
ANSWER_CLASS = "answer_class"  # the label's type, the most probable class; null when no model answered
ANSWER_PROBABILITIES = "answer_probabilities"  # list of float32, one per class, in the order of `classes`
ANSWER_VALUE = "answer_value"  # float32, of a regression; null when no model answered
ANSWER_LATENCY_MS = "answer_latency_ms"  # float64, milliseconds from request to answer
ANSWER_STATUS = "answer_status"  # int16, the HTTP status
OWN_COLUMNS = (
    REQUEST_ID,
    REQUEST_ROW,
    REQUEST_TIME,
    REQUEST_CALLER,
    MODEL_VERSION,
    MODEL_LABEL,
    ANSWER_PROBABILITY,
    ANSWER_DECISION,
    ANSWER_CLASS,
    ANSWER_PROBABILITIES,
    ANSWER_VALUE,
    ANSWER_LATENCY_MS,
    ANSWER_STATUS,
)
# Columns of a model's answer, by the kind of task.
ANSWERS_OF: dict[Problem, tuple[str, ...]] = {
    BINARY: (ANSWER_PROBABILITY, ANSWER_DECISION),
    MULTICLASS: (ANSWER_CLASS, ANSWER_PROBABILITIES),
    REGRESSION: (ANSWER_VALUE,),
}
# The columns that distinguish one answer from another.
TELLING_ANSWERS = (ANSWER_PROBABILITY, ANSWER_PROBABILITIES, ANSWER_VALUE)
_NEEDED = (REQUEST_TIME, ANSWER_STATUS)  # needed to decide which rows of the log count

_HASHED, _DROPPED, _CLASSES = b"hashed", b"dropped", b"classes"
_HASH_NAME = b"hmac-sha256"


def own_columns(problem: Problem) -> list[str]:
    """Return the names of the log's own columns, by the kind of task."""
    others = {name for names in ANSWERS_OF.values() for name in names}.difference(ANSWERS_OF[problem])
    return [name for name in OWN_COLUMNS if name not in others]


def check_names(
    contract: Contract, dropped: Iterable[str], hashed: Iterable[str], target: Target = BINARY_TARGET
) -> None:
    """Check the names in the settings against the contract.

    Args:
        contract: the features.
        dropped: columns that are left out.
        hashed: columns whose values are hashed.
        target: the kind of prediction.

    Raises:
        ValueError: A name is not a column, is both dropped and hashed, or cannot be hashed; or a feature has the name
            of a column of the log itself.
    """
    features = [feature.name for feature in contract.features]
    columns = [*features, *own_columns(target.problem)]
    for setting, names, allowed in (
        ("dropped", set(dropped), [name for name in columns if name not in _NEEDED]),
        ("hashed", set(hashed), [*features, REQUEST_ID]),
    ):
        for name in sorted(names.difference(allowed)):
            meant = suggestion(name, allowed)
            raise ValueError(f"request log: {setting}: no column {name!r} that can be {setting}; {meant}")
    if both := sorted(set(dropped) & set(hashed)):
        raise ValueError(f"request log: {', '.join(both)}: both dropped and hashed; keep it in one of the two lists")
    if taken := sorted(set(features) & set(OWN_COLUMNS)):
        raise ValueError(
            f"request log: the contract's features {', '.join(taken)} have names that the log uses for itself; "
            f"rename them in the contract (the log's own: {', '.join(OWN_COLUMNS)})"
        )


def arrow_schema(
    contract: Contract, dropped: Collection[str], hashed: Collection[str], target: Target = BINARY_TARGET
) -> Any:
    """Return the pyarrow.Schema of a file.

    Features are int64, float32 (as training stores a FLOAT) or string; a hashed column is a string. All can be null.

    Args:
        contract: names and types of the features.
        dropped: columns that are left out.
        hashed: columns whose values are replaced by their hashes.
        target: the kind of prediction.

    Returns:
        The schema, with the names of dropped and hashed columns and the classes in its metadata.
    """
    import pyarrow as pa

    of_kind = {Kind.INT: pa.int64(), Kind.FLOAT: pa.float32(), Kind.BYTES: pa.string()}
    answers = set(own_columns(target.problem))
    types = {feature.name: of_kind[feature.kind] for feature in contract.features} | {
        REQUEST_ID: pa.string(),
        REQUEST_ROW: pa.int32(),
        REQUEST_TIME: pa.timestamp("us", tz="UTC"),
        REQUEST_CALLER: pa.string(),
        MODEL_VERSION: pa.int64(),
        MODEL_LABEL: pa.string(),
        ANSWER_PROBABILITY: pa.float32(),
        ANSWER_DECISION: pa.bool_(),
        ANSWER_CLASS: of_kind[target.kind or Kind.BYTES],
        ANSWER_PROBABILITIES: pa.list_(pa.float32()),
        ANSWER_VALUE: pa.float32(),
        ANSWER_LATENCY_MS: pa.float64(),
        ANSWER_STATUS: pa.int16(),
    }
    fields = [
        pa.field(name, pa.string(), metadata={_HASHED: _HASH_NAME}) if name in hashed else pa.field(name, kind)
        for name, kind in types.items()
        if name not in dropped and (name in answers or name not in OWN_COLUMNS)
    ]
    metadata = {_DROPPED: json.dumps(sorted(dropped)).encode()}
    if target.problem == MULTICLASS:
        metadata[_CLASSES] = json.dumps(target.classes).encode()
    return pa.schema(fields, metadata=metadata)


def classes(schema: Any) -> tuple[Value, ...]:
    """Return the classes of the ANSWER_PROBABILITIES from a file's pyarrow.Schema; empty if there are none.

    A FLOAT class is rounded to float32, as in ANSWER_CLASS.

    Args:
        schema: of the file.

    Returns:
        The classes, in the order of the probabilities.
    """
    found = json.loads((schema.metadata or {}).get(_CLASSES, b"[]"))
    return tuple(in_float32(each) if isinstance(each, float) else each for each in found)


def answers(schema: Any) -> tuple[frozenset[str], tuple[Value, ...]]:
    """Return a file's answer columns and its classes, from its pyarrow.Schema: together they show the kind of task."""
    of_any_kind = {name for names in ANSWERS_OF.values() for name in names}
    return frozenset(of_any_kind.intersection(schema.names)), classes(schema)


def hashed_columns(schema: Any) -> frozenset[str]:
    """Return the names of a file's hashed columns, from its pyarrow.Schema."""
    return frozenset(field.name for field in schema if _HASHED in (field.metadata or {}))


def dropped_columns(schema: Any) -> frozenset[str]:
    """Return the names of the columns that a file leaves out, from its pyarrow.Schema."""
    return frozenset(json.loads((schema.metadata or {}).get(_DROPPED, b"[]")))


def feature_columns(schema: Any) -> list[str]:
    """Return the names of a file's features, hashed ones included, from its pyarrow.Schema."""
    return [field.name for field in schema if field.name not in OWN_COLUMNS]
