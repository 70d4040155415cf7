"""Find rows in a folder of Parquet files by the id of their request.

Files without ids, from a log that dropped them, are skipped. The ids of the newest files stay in memory, 30 bytes a
row, up to a limit; older files are read at each search.
"""

import bisect
import datetime
import itertools
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from serving.request_log import columns
from serving.request_log.listing import FolderListing

_LISTINGS = 10  # how often files may vanish while they are read: old files are removed, and files are merged


class IdFileError(RuntimeError):
    """The files of a folder cannot be read.

    Args:
        folder: the folder.
        reason: why.
    """

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"{folder}: expected finished Parquet files of requests, received {reason}")


class FilesById:
    """The finished files of a folder. Use it from one thread.

    Args:
        folder: of the request log or of feedback.
        names: the columns that `find` returns; a column that a file lacks is None.
        cached_rows: the limit of rows whose ids stay in memory.
    """

    def __init__(self, folder: Path, names: Sequence[str], cached_rows: int) -> None:
        self._folder, self._listing = folder, FolderListing(folder)
        self._names = list(names)
        self._cached_rows = cached_rows
        self._cached: dict[Path, Any] = {}  # file -> pyarrow array of its ids, newest first

    def find(self, request_ids: Collection[str], since: datetime.datetime) -> list[dict[str, Any]]:
        """Find the rows with these ids, in no order.

        Args:
            request_ids: as in the files; if empty, only the cache is filled.
            since: skip files with older rows only; with time zone.

        Returns:
            For each row: column -> value, with times as datetime in UTC.

        Raises:
            IdFileError: A file cannot be read.
        """
        import pyarrow as pa

        wanted = pa.array(sorted(request_ids), pa.string())
        vanished: OSError | None = None
        for _ in range(_LISTINGS):
            try:
                return self._find(wanted, since)
            except FileNotFoundError as error:  # removed or merged since it was listed: list again
                vanished = error
                self._listing.forget()
            except (OSError, pa.ArrowException) as error:
                raise IdFileError(self._folder, f"{type(error).__name__}: {error}") from error
        raise IdFileError(self._folder, f"files that vanish while they are read: {vanished}")

    def _find(self, wanted: Any, since: datetime.datetime) -> list[dict[str, Any]]:
        import pyarrow as pa
        import pyarrow.compute as pc

        files = self._listing.files(since)
        self._cache(files)
        hits = list(self._cached)
        if hits:
            arrays = list(self._cached.values())
            # Make one call for all files: for thousands of small files, separate calls cost more than the search.
            chosen = pc.is_in(pa.chunked_array(arrays, pa.string()), value_set=wanted)
            starts = list(itertools.accumulate((len(array) for array in arrays), initial=0))
            places = pc.indices_nonzero(chosen).to_pylist()
            hits = [hits[number] for number in sorted({bisect.bisect_right(starts, place) - 1 for place in places})]
        hits += [path for path in files if path not in self._cached]
        return [record for path in hits for record in self._read(path, wanted)]

    def _cache(self, files: Sequence[Path]) -> None:
        """Keep the ids of as many of the newest files as fit."""
        cached: dict[Path, Any] = {}
        free = self._cached_rows
        for path in files:
            ids = self._cached.get(path)
            if ids is None:
                with _open(path) as file:
                    if file.metadata.num_rows > free:
                        break
                    ids = _ids(file)
            if len(ids) > free:
                break
            cached[path], free = ids, free - len(ids)
        self._cached = cached

    def _read(self, path: Path, wanted: Any) -> list[dict[str, Any]]:
        """Return the rows of one file with the wanted ids."""
        import pyarrow.compute as pc

        with _open(path) as file:
            names = {columns.REQUEST_ID, *self._names}.intersection(file.schema_arrow.names)
            if columns.REQUEST_ID not in names:
                return []
            table = file.read(columns=sorted(names))
        return _records(table.filter(pc.is_in(table.column(columns.REQUEST_ID), value_set=wanted)), self._names)


def _open(path: Path) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetFile(path)


def _ids(file: Any) -> Any:
    """Return the ids of a file's rows; empty if the log dropped them."""
    import pyarrow as pa

    if columns.REQUEST_ID not in file.schema_arrow.names:
        return pa.array([], pa.string())
    return file.read(columns=[columns.REQUEST_ID]).column(0).combine_chunks()


def _records(table: Any, names: Sequence[str]) -> list[dict[str, Any]]:
    import pyarrow as pa

    values: dict[str, list[Any]] = {}
    for name in names:
        if name not in table.column_names:
            values[name] = [None] * table.num_rows
        elif pa.types.is_timestamp(table.schema.field(name).type):  # pyarrow's own conversion may need pytz
            values[name] = [_time(cell) for cell in table.column(name).cast(pa.int64()).to_pylist()]
        else:
            values[name] = table.column(name).to_pylist()
    return [dict(zip(values, cells, strict=True)) for cells in zip(*values.values(), strict=True)]


def _time(microseconds: int | None) -> datetime.datetime | None:
    if microseconds is None:
        return None
    return datetime.datetime.fromtimestamp(0, datetime.UTC) + datetime.timedelta(microseconds=microseconds)
