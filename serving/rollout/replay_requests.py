"""Read requests to replay: from the gateway's request log, or from a file of rows in JSON lines.

Columns that the log drops or hashes for privacy cannot be replayed. They are sent as missing if the contract allows it;
otherwise the log is refused.
"""

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from serving.contract import Contract, Row
from serving.request_log import columns as log_columns
from serving.rollout.errors import NoRequestsError, PreconditionError


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplayRequests:
    """Requests, oldest first."""

    rows: list[list[Row]]  # per request
    left_out: dict[str, str]  # feature -> why it is sent as missing in some or all rows
    skipped: int = 0  # logged requests that the gateway refused


def read(path: Path, contracts: Sequence[Contract], limit: int) -> ReplayRequests:
    """Read the newest requests, once for all versions, because a log in use changes.

    Args:
        path: a folder of the request log, one of its Parquet files, or a file of JSON lines: one row (an object) or one
            request (a list of objects) per line.
        contracts: of the versions to ask; a feature is required if one of them requires it.
        limit: the newest requests, at most this many.

    Returns:
        The requests.

    Raises:
        NoRequestsError: There are none yet.
        PreconditionError: The path does not exist, holds no requests, or they lack what the contract requires.
    """
    files = _log_files(path) if path.is_dir() else [path]
    if not path.exists() or not files:
        kind = NoRequestsError if path.exists() else PreconditionError
        raise kind(
            f"no requests to replay at {path}: expected a folder of the gateway's request log, a .parquet file of it, "
            "or a file with one JSON row per line."
        )
    features = _features(contracts)
    if files[0].suffix == ".parquet":
        found = _from_log(files, features, limit)
    else:
        found = ReplayRequests(rows=list(_from_lines(path, contracts))[-limit:], left_out={})
    if not found.rows:
        raise NoRequestsError(
            f"{path} holds no request that can be replayed ({found.skipped} were refused by the gateway)."
        )
    required = {feature.name for contract in contracts for feature in contract.features if feature.required}
    if lacking := sorted(required & set(found.left_out)):
        raise PreconditionError(
            f"{path} cannot be replayed: the contract requires "
            + ", ".join(f"{name} ({found.left_out[name]})" for name in lacking)
            + "; keep these columns in the log, or use a file of JSON lines."
        )
    return found


def _log_files(folder: Path) -> list[Path]:
    """Return the Parquet files below a folder, oldest first.

    Raises:
        PreconditionError: A folder is not readable; it may hold the newest requests.
    """

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # the gateway removes folders of old days
            raise PreconditionError(_unreadable(folder, error)) from error

    found = [
        Path(within) / name
        for within, _, names in os.walk(folder, onerror=refuse)
        for name in names
        if name.endswith(".parquet")
    ]
    return sorted(found, key=lambda file: file.name)


def _unreadable(path: Path, error: OSError) -> str:
    return (
        f"the request log {path} cannot be read: expected permission for uid {os.geteuid()}, received {error}; the "
        "gateway's user and group may read the log: join that group."
    )


def _from_log(files: list[Path], features: list[str], limit: int) -> ReplayRequests:
    rows: list[list[Row]] = []
    left_out: dict[str, str] = {}
    skipped = 0
    for path in reversed(files):  # newest first; file names begin with the time
        requests, refused = _from_file(path, features, left_out)
        rows = requests + rows
        skipped += refused
        if len(rows) >= limit:
            break
    return ReplayRequests(rows=rows[-limit:], left_out=left_out, skipped=skipped)


def _from_file(path: Path, features: list[str], left_out: dict[str, str]) -> tuple[list[list[Row]], int]:
    """Return one file's requests and its number of refused ones; add to `left_out`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except PermissionError as error:
        raise PreconditionError(_unreadable(path, error)) from error
    except (OSError, pa.ArrowException) as error:
        raise PreconditionError(
            f"{path} is not a file of the request log: expected Parquet, received {error}."
        ) from error
    hashed, dropped = log_columns.hashed_columns(table.schema), log_columns.dropped_columns(table.schema)
    usable = []
    for name in features:
        if name in hashed:
            left_out[name] = "hashed in the log"
        elif name not in table.column_names:
            left_out[name] = "dropped from the log" if name in dropped else "not in the log"
        else:
            usable.append(name)
    wanted = [*usable, log_columns.REQUEST_ID, log_columns.REQUEST_ROW, log_columns.ANSWER_STATUS]
    records = table.select([name for name in wanted if name in table.column_names]).to_pylist()
    requests: list[list[Row]] = []
    refused = 0
    for group in _by_request(records):
        if 400 <= (group[0].get(log_columns.ANSWER_STATUS) or 200) < 500:
            refused += 1
        else:
            requests.append([{name: record[name] for name in usable} for record in group])
    return requests, refused


def _by_request(records: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the rows in groups of one request each; each row is its own group if the log has no request ids.

    The log keeps the rows of a request together and in order. An id alone does not suffice: clients choose it, and
    repeat it when they retry.
    """
    groups: list[list[dict[str, Any]]] = []
    following = None  # id and row that would continue the current request
    for record in records:
        name, row = record.get(log_columns.REQUEST_ID), record.get(log_columns.REQUEST_ROW)
        if following is not None and row != 0 and (name, row) == following:
            groups[-1].append(record)
        else:
            groups.append([record])
        following = None if name is None or row is None else (name, row + 1)
    return groups


def _from_lines(path: Path, contracts: Sequence[Contract]) -> Iterator[list[Row]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                read = json.loads(line)
            except ValueError as error:
                raise PreconditionError(
                    f"{path}:{number}: expected a row as JSON, received {line[:80]!r} ({error})."
                ) from error
            request = read if isinstance(read, list) else [read]
            for row in request:
                _check(row, contracts, f"{path}:{number}")
            yield request


def _check(row: object, contracts: Sequence[Contract], place: str) -> None:
    if not isinstance(row, dict):
        raise PreconditionError(f"{place}: expected an object of features, received {json.dumps(row)[:80]}.")
    known = set(_features(contracts))
    if unknown := sorted(set(row) - known):
        raise PreconditionError(
            f"{place}: {', '.join(unknown)}: not a feature of the contract; expected {', '.join(sorted(known))}."
        )
    for contract in contracts:
        for feature in contract.features:
            value = row.get(feature.name)
            if value is None and not feature.required:
                continue
            if value is None or not feature.accepts(value, contract.missing):
                raise PreconditionError(
                    f"{place}: {feature.name}: expected {feature.expectation}, received {json.dumps(value)}."
                )


def _features(contracts: Sequence[Contract]) -> list[str]:
    return list(dict.fromkeys(feature.name for contract in contracts for feature in contract.features))
