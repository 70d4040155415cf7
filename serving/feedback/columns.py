"""What a file of feedback holds: one row per outcome that was accepted.

pyarrow is imported where it is used, so that a gateway pays for it only when it keeps feedback.
"""

from typing import Any

from serving.contract import Feature, Kind
from serving.request_log.columns import REQUEST_ID, REQUEST_ROW, REQUEST_TIME

OUTCOME = "outcome"  # int64, float32 or string, as the contract's label is
FEEDBACK_TIME = "feedback_time"  # timestamp in microseconds, UTC, when the outcome came
FEEDBACK_CALLER = "feedback_caller"  # string, a digest of the API key's name; null without keys and from a file
NAMES = (REQUEST_ID, REQUEST_ROW, REQUEST_TIME, OUTCOME, FEEDBACK_TIME, FEEDBACK_CALLER)

_LABEL = b"label"


def arrow_schema(label: Feature) -> Any:
    """The pyarrow.Schema of a file; its metadata names the contract's label.

    request_id and request_time are as the request log has them.
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
    """The contract's column that a file's outcomes are values of, from its pyarrow.Schema; None where it says none."""
    name = (schema.metadata or {}).get(_LABEL)
    return None if name is None else name.decode()
