"""What a file of the request log holds: one row per row of a request, features first, then the request and the answer.

The writer makes files from this, the reader knows them by it; nothing else is agreed between the two. A file describes
itself: which features were dropped or hashed stands in the metadata of its Arrow schema.

pyarrow is imported where it is used, so that a gateway pays for it only when it keeps a log.
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
REQUEST_ROW = "request_row"  # int32, which row of the request, from 0
REQUEST_TIME = "request_time"  # timestamp in microseconds, UTC, when the request came
REQUEST_CALLER = "request_caller"  # string, a digest of the API key's name; null where the gateway wants no key
MODEL_VERSION = "model_version"  # int64, which answered, or was asked last and failed; null when none was chosen
MODEL_LABEL = "model_label"  # string, such as stable or canary; null without labels, or when no version was chosen
ANSWER_PROBABILITY = "answer_probability"  # float32, as the model gave it; null when no model answered
ANSWER_DECISION = "answer_decision"  # bool; null when no model answered
ANSWER_CLASS = "answer_class"  # the label's type, the most probable class; null when no model answered
ANSWER_PROBABILITIES = "answer_probabilities"  # list of float32, one per class, in the order that `classes` tells
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
# What a model said of a row, by the kind of task.
ANSWERS_OF: dict[Problem, tuple[str, ...]] = {
    BINARY: (ANSWER_PROBABILITY, ANSWER_DECISION),
    MULTICLASS: (ANSWER_CLASS, ANSWER_PROBABILITIES),
    REGRESSION: (ANSWER_VALUE,),
}
# Of those, what tells one answer from another.
TELLING_ANSWERS = (ANSWER_PROBABILITY, ANSWER_PROBABILITIES, ANSWER_VALUE)
_NEEDED = (REQUEST_TIME, ANSWER_STATUS)  # without them nobody can say which rows of the log count

_HASHED, _DROPPED, _CLASSES = b"hashed", b"dropped", b"classes"
_HASH_NAME = b"hmac-sha256"


def own_columns(problem: Problem) -> list[str]:
    """Name of the log's own columns in a file, by the kind of task."""
    others = {name for names in ANSWERS_OF.values() for name in names}.difference(ANSWERS_OF[problem])
    return [name for name in OWN_COLUMNS if name not in others]


def check_names(
    contract: Contract, dropped: Iterable[str], hashed: Iterable[str], target: Target = BINARY_TARGET
) -> None:
    """Hold the names in the settings against the contract.

    Raises:
        ValueError: A name that is no column, is both dropped and hashed, or cannot be hashed; a feature whose name the
            log needs for itself.
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
    """The pyarrow.Schema of a file.

    Features are int64, float32 (as training stores a FLOAT) or string; a hashed column is a string. All can be null.

    Args:
        contract: names and types of the features.
        dropped: columns that are left out.
        hashed: columns whose values are replaced by their hashes.
        target: what is predicted.
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
    """Which class each of the ANSWER_PROBABILITIES is of, from a file's pyarrow.Schema; none where there are none.

    A class that is a FLOAT is rounded to float32, as ANSWER_CLASS holds it.
    """
    found = json.loads((schema.metadata or {}).get(_CLASSES, b"[]"))
    return tuple(in_float32(each) if isinstance(each, float) else each for each in found)


def answers(schema: Any) -> tuple[frozenset[str], tuple[Value, ...]]:
    """Columns of an answer that a file holds, and its classes, from its pyarrow.Schema: they tell the kind of task."""
    of_any_kind = {name for names in ANSWERS_OF.values() for name in names}
    return frozenset(of_any_kind.intersection(schema.names)), classes(schema)


def hashed_columns(schema: Any) -> frozenset[str]:
    """Name of the hashed columns of a file, from its pyarrow.Schema."""
    return frozenset(field.name for field in schema if _HASHED in (field.metadata or {}))


def dropped_columns(schema: Any) -> frozenset[str]:
    """Name of the columns that a file was told to leave out, from its pyarrow.Schema."""
    return frozenset(json.loads((schema.metadata or {}).get(_DROPPED, b"[]")))


def feature_columns(schema: Any) -> list[str]:
    """Name of the features in a file, hashed ones included, from its pyarrow.Schema."""
    return [field.name for field in schema if field.name not in OWN_COLUMNS]
