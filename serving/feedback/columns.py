"""The columns of a feedback file: one row per accepted outcome.

pyarrow is imported where it is used, so that a gateway loads it only when it keeps feedback.
"""

from typing import Any

from serving.contract import Feature, Kind
from serving.request_log.columns import REQUEST_ID, REQUEST_ROW, REQUEST_TIME

OUTCOME = "outcome"  # int64, float32 or string, as the contract's label
FEEDBACK_TIME = "feedback_time"  # timestamp in microseconds, UTC, at the outcome's arrival
FEEDBACK_CALLER = "feedback_caller"  # string, a digest of the API key's name; null without keys and from a file
NAMES = (REQUEST_ID, REQUEST_ROW, REQUEST_TIME, OUTCOME, FEEDBACK_TIME, FEEDBACK_CALLER)

_LABEL = b"label"


def arrow_schema(label: Feature) -> Any:
    """Return the pyarrow.Schema of a file; its metadata names the contract's label.

    request_id and request_time are as in the request log.

    Args:
        label: the contract's label.

    Returns:
        The schema.
    """
    import pyarrow as pa

    moment = pa.timestamp("us", tz="UTC")
    outcome = {Kind.INT: pa.int64(), Kind.FLOAT: pa.float32(), Kind.BYTES: pa.string()}[label.kind]
    types = {
        REQUEST_ID: pa.string(),
        REQUEST_ROW: pa.int32(),
        REQUEST_TIME: moment,
        OUTCOME: outcome,
        FEEDBACK_TIME: moment,
        FEEDBACK_CALLER: pa.string(),
    }
    return pa.schema([pa.field(name, types[name]) for name in NAMES], metadata={_LABEL: label.name.encode()})


def label_name(schema: Any) -> str | None:
    """Return the contract's column of a file's outcomes, from its pyarrow.Schema; None if it names none."""
    name = (schema.metadata or {}).get(_LABEL)
    return None if name is None else name.decode()
