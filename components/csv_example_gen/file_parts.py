"""Parts of files, and how they are grouped into shards: what one worker reads and writes."""

import dataclasses
from collections.abc import Sequence

from components.csv_example_gen.file_contents import GZIP

SHARD_BYTES = 16 << 20  # of text: 130,000 taxi trips, a second of work. Smaller data is one shard.
MOST_SHARDS = 1000  # of large data, whose shards are larger: every file costs each reader an opening


@dataclasses.dataclass(frozen=True, kw_only=True)
class FilePart:
    """Rows of a file that stand together: from one byte of the text to another; of Parquet, from one row group on."""

    file: str
    begin: int  # of a `.gz`, in the unpacked text
    end: int | None  # None: to the end of the file
    first: int  # number of the line, or of the row, that begins there
    size: int  # bytes of text; of Parquet, of the unpacked row groups


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shard:
    """What one worker reads, and writes into one file per split."""

    parts: tuple[FilePart, ...]
    first_row: int  # from 0, over all files
    rows: int


def group_shards(blocks: Sequence[tuple[FilePart, int]]) -> list[Shard]:
    """Groups what was read, with its number of rows, into shards of about equal size, in the same order.

    A packed file stays whole, since a reader has to unpack all before its place; and so does what stands in one part.
    """
    size = max(SHARD_BYTES, sum(part.size for part, _ in blocks) // MOST_SHARDS)
    groups: list[list[tuple[FilePart, int]]] = []
    filled = 0
    for part, rows in blocks:
        if not groups or (filled >= size and not _stay_together(groups[-1][-1][0], part)):
            groups.append([])
            filled = 0
        filled += part.size
        groups[-1].append((part, rows))
    shards: list[Shard] = []
    for group in groups:
        first = shards[-1].first_row + shards[-1].rows if shards else 0
        rows = sum(each for _, each in group)
        shards.append(Shard(parts=_join([part for part, _ in group]), first_row=first, rows=rows))
    return shards


def _stay_together(part: FilePart, following: FilePart) -> bool:
    if part.file != following.file:
        return False
    return part.file.lower().endswith(GZIP) or part.begin == following.begin


def _join(parts: Sequence[FilePart]) -> tuple[FilePart, ...]:
    joined: list[FilePart] = []
    for part in parts:
        last = joined[-1] if joined else None
        if last is None or last.file != part.file:
            joined.append(part)
        elif part.begin != last.begin:  # Batches of one row group name the same part.
            joined[-1] = dataclasses.replace(last, end=part.end, size=last.size + part.size)
    return tuple(joined)
