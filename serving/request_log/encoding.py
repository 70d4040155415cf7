"""Encode answered requests as rows of the log's files: missing values as null, hashed columns hashed."""

import dataclasses
import datetime
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Any

from serving.contract import Contract, Kind, Row, Value
from serving.contract.missing_values import MissingValues, in_float32
from serving.contract.target import BINARY_TARGET, Target
from serving.request_log import columns
from serving.request_log.settings import RequestLogSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoggedRequest:
    """A request whose rows met the contract, and its answer."""

    request_id: str
    time: datetime.datetime  # with its time zone
    rows: Sequence[Row]
    # One element per row, None if there is none. For a multiclass task a probability is a list with one element per
    # class, and a decision is a class. A regression has values instead.
    probabilities: Sequence[float | Sequence[float] | None]
    decisions: Sequence[Value | None]
    values: Sequence[float | None] | None = None  # None: no values
    model_version: int | None
    model_label: str | None
    status: int
    latency_ms: float
    caller: str | None = None  # as returned by caller_digest; None if the gateway needs no key


class RowError(ValueError):
    """A request holds a value that does not fit its column."""


class RowEncoder:
    """Convert requests to pyarrow tables.

    Args:
        contract: the features, and how a missing value is sent.
        settings: the columns that are dropped and hashed.
        target: the kind of prediction.
    """

    def __init__(self, contract: Contract, settings: RequestLogSettings, target: Target = BINARY_TARGET) -> None:
        self._kinds = {feature.name: feature.kind for feature in contract.features}
        self._missing = contract.missing
        self._key = settings.hash_key or b""
        self.schema = columns.arrow_schema(contract, settings.dropped, settings.hashed, target)
        self._hashed = columns.hashed_columns(self.schema)

    def table(self, requests: Iterable[LoggedRequest]) -> Any:
        """Convert requests to a pyarrow.Table with one row per row of each request.

        Args:
            requests: in the order of the table.

        Returns:
            The table.

        Raises:
            RowError: A value does not fit its column. The message names the column, not the value: a dropped or hashed
                value must not appear in another log.
        """
        import pyarrow as pa

        requests = list(requests)
        rows = [row for request in requests for row in request.rows]
        own = _own_columns(requests)
        arrays = []
        for field in self.schema:
            kind = self._kinds.get(field.name)
            values = own[field.name] if kind is None else [row.get(field.name) for row in rows]
            try:
                arrays.append(self._array(field, kind, values))
            except (ValueError, TypeError, OverflowError) as error:  # pyarrow's errors are subclasses of these
                raise RowError(
                    f"column {field.name}: expected values of type {field.type}, received one of another type "
                    f"({type(error).__name__}); the contract's type and the caller's differ"
                ) from None
        lengths = {len(array) for array in arrays}
        if len(lengths) > 1:
            raise RowError(
                f"expected as many probabilities, decisions and values as rows ({len(rows)}), received other numbers"
            )
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def _array(self, field: Any, kind: Kind | None, values: list[Any]) -> Any:
        import pyarrow as pa

        if field.name in self._hashed:
            return pa.array([self._hash(field.name, kind, value) for value in values], field.type)
        if kind is Kind.FLOAT:  # pyarrow refuses whole numbers above 2^24 here
            values = [None if value is None else float(value) for value in values]
        array = pa.array(values, field.type)
        return array if kind is None else _nulled(array, _spelled(self._missing, kind))

    def _hash(self, name: str, kind: Kind | None, value: Any) -> str | None:
        if value is None or (kind is not None and value == _spelled(self._missing, kind)):
            return None
        return hashed(self._key, name, in_float32(value) if kind is Kind.FLOAT else value)


def hashed(key: bytes, column: str, value: Value) -> str:
    """Return the HMAC-SHA256, as 64 hexadecimal digits, that replaces a value in a column.

    Equal values of one column have equal hashes, so that its distribution stays visible. Hashes of different columns
    differ, so that they do not show in how many columns one value occurs.

    Args:
        key: of the hash.
        column: the column's name.
        value: to replace.

    Returns:
        The hash.

    Example:
        >>> hashed(b"a key of 16 bytes", "company", "Blue Cab") == hashed(b"a key of 16 bytes", "company", "Blue Cab")
        True
        >>> len(hashed(b"a key of 16 bytes", "company", "Blue Cab"))
        64
    """
    return hmac.new(key, f"{column}\0{value}".encode(), hashlib.sha256).hexdigest()


def caller_digest(name: str) -> str:
    """Return 16 hexadecimal digits that identify an API key by its name, for readers who know the names."""
    return hashlib.sha256(f"{columns.REQUEST_CALLER}\0{name}".encode()).hexdigest()[:16]


def _spelled(missing: MissingValues, kind: Kind) -> Value:
    if kind is Kind.BYTES:
        return missing.string
    return float(missing.number) if kind is Kind.FLOAT else missing.number


def _nulled(values: Any, missing: Value) -> Any:
    """Replace the value that means "missing" by null in a pyarrow array, as training does."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(pc.equal(values, pa.scalar(missing, values.type)), pa.scalar(None, values.type), values)


def _own_columns(requests: Sequence[LoggedRequest]) -> dict[str, list[Any]]:
    def of_each_row(name: str) -> list[Any]:
        return [value for request in requests for value in [getattr(request, name)] * len(request.rows)]

    probabilities = [value for request in requests for value in request.probabilities]
    decisions = [value for request in requests for value in request.decisions]
    return {
        columns.REQUEST_ID: of_each_row("request_id"),
        columns.REQUEST_ROW: [position for request in requests for position in range(len(request.rows))],
        columns.REQUEST_TIME: of_each_row("time"),
        columns.REQUEST_CALLER: of_each_row("caller"),
        columns.MODEL_VERSION: of_each_row("model_version"),
        columns.MODEL_LABEL: of_each_row("model_label"),
        columns.ANSWER_PROBABILITY: probabilities,
        columns.ANSWER_DECISION: decisions,
        columns.ANSWER_CLASS: decisions,
        columns.ANSWER_PROBABILITIES: probabilities,
        columns.ANSWER_VALUE: [value for request in requests for value in request.values or [None] * len(request.rows)],
        columns.ANSWER_LATENCY_MS: of_each_row("latency_ms"),
        columns.ANSWER_STATUS: of_each_row("status"),
    }
