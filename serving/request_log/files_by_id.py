"""Finds rows of a folder of Parquet files by the id of their request.

The ids of the newest files stay in memory, 30 bytes a row, up to a limit; older files are read at each look.
"""

import datetime
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from serving.request_log import columns
from serving.request_log.files import log_files

_LISTINGS = 10  # how often files may vanish while they are read, as old ones and merged ones do


class IdFileError(RuntimeError):
    """The files of a folder cannot be read."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"{folder}: expected finished Parquet files of requests, received {reason}")


class FilesById:
    """The finished files of a folder; for one thread.

    Args:
        folder: of the request log or of feedback.
        names: columns that `find` gives; those that a file lacks are None.
        cached_rows: rows of which ids stay in memory at most.
    """

    def __init__(self, folder: Path, names: Sequence[str], cached_rows: int) -> None:
        self._folder = folder
        self._names = list(names)
        self._cached_rows = cached_rows
        self._cached: dict[Path, Any] = {}  # file -> pyarrow array of ids

    def find(self, request_ids: Collection[str], since: datetime.datetime) -> list[dict[str, Any]]:
        """The rows with these ids, in no order: column -> value, times as datetime in UTC.

        Args:
            request_ids: as the files have them.
            since: files that hold only older rows are not read; with time zone.

        Raises:
            IdFileError: A file cannot be read.
        """
        if not request_ids:
            return []
        import pyarrow as pa

        wanted = pa.array(sorted(request_ids), pa.string())
        vanished: OSError | None = None
        for _ in range(_LISTINGS):
            try:
                return self._find(wanted, since)
            except FileNotFoundError as error:  # Removed or merged since it was listed: a new listing tells.
                vanished = error
            except (OSError, pa.ArrowException) as error:
                raise IdFileError(self._folder, f"{type(error).__name__}: {error}") from error
        raise IdFileError(self._folder, f"files that vanish while they are read: {vanished}")

    def _find(self, wanted: Any, since: datetime.datetime) -> list[dict[str, Any]]:
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        found, cached, room = [], {}, self._cached_rows
        for path in sorted(log_files(self._folder, start=since), key=lambda path: path.name, reverse=True):
            ids = self._cached.get(path)
            if ids is None:
                with pq.ParquetFile(path) as file:
                    ids = file.read(columns=[columns.REQUEST_ID]).column(0).combine_chunks()
            if room >= len(ids):
                cached[path], room = ids, room - len(ids)
            chosen = pc.is_in(ids, value_set=wanted)
            if pc.any(chosen).as_py():
                with pq.ParquetFile(path) as file:
                    names = [name for name in self._names if name in file.schema_arrow.names]
                    found += _records(file.read(columns=names).filter(chosen), self._names)
        self._cached = cached
        return found


def _records(table: Any, names: Sequence[str]) -> list[dict[str, Any]]:
    import pyarrow as pa

    values: dict[str, list[Any]] = {}
    for name in names:
        if name not in table.column_names:
            values[name] = [None] * table.num_rows
        elif pa.types.is_timestamp(table.schema.field(name).type):  # pyarrow's own conversion may want pytz.
            values[name] = [_time(cell) for cell in table.column(name).cast(pa.int64()).to_pylist()]
        else:
            values[name] = table.column(name).to_pylist()
    return [dict(zip(values, cells, strict=True)) for cells in zip(*values.values(), strict=True)]


def _time(microseconds: int | None) -> datetime.datetime | None:
    if microseconds is None:
        return None
    return datetime.datetime.fromtimestamp(0, datetime.UTC) + datetime.timedelta(microseconds=microseconds)
