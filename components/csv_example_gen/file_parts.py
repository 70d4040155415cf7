"""Parts of files, and how they are grouped into shards: what one worker reads and writes."""

import dataclasses
import itertools
import math
from collections.abc import Iterable, Sequence

from components.csv_example_gen.file_contents import is_packed, is_parquet

SHARD_BYTES = 16 << 20  # of text in a shard, about two seconds of reading and writing
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


def group_shards(blocks: Iterable[tuple[FilePart, int]], shard_bytes: int | None = None) -> list[Shard]:
    """Group what was read into shards of about equal size, in the same order.

    A packed file stays whole, since a reader has to unpack all before its place; and so does what stands in one part.

    Args:
        blocks: parts, and how many rows stand in each.
        shard_bytes: of text in a shard at least, but for the last one; None: one shard, and so one file per split.
    """
    parts = _sum_rows(blocks)
    size = math.inf if shard_bytes is None else max(shard_bytes, sum(part.size for part, _ in parts) // MOST_SHARDS)
    groups: list[list[tuple[FilePart, int]]] = []
    filled = 0
    for part, rows in parts:
        if not groups or (filled >= size and not _has_to_follow(groups[-1][-1][0], part)):
            groups.append([])
            filled = 0
        filled += part.size
        groups[-1].append((part, rows))
    shards: list[Shard] = []
    for group in groups:
        first = shards[-1].first_row + shards[-1].rows if shards else 0
        rows = sum(of_part for _, of_part in group)
        shards.append(Shard(parts=_join([part for part, _ in group]), first_row=first, rows=rows))
    return shards


def explain_whole(shards: Sequence[Shard], shard_bytes: int | None = None) -> list[str]:
    """Say of which files one worker reads more than a shard should hold, or reads slowly, and why."""
    reasons: list[str] = []
    for part in (part for shard in shards for part in shard.parts):
        if part.end is None and not is_parquet(part.file):
            reasons.append(
                f"{part.file}: one worker reads it to its end, in part line by line: it holds quotes inside unquoted "
                "cells, or carriage returns alone"
            )
        elif shard_bytes is not None and is_packed(part.file) and part.size >= 2 * shard_bytes:
            reasons.append(f"{part.file}: one worker reads all of it, since nobody can begin in the middle of a .gz")
    return reasons


def _sum_rows(blocks: Iterable[tuple[FilePart, int]]) -> list[tuple[FilePart, int]]:
    """Several blocks may stand in one part, such as the batches of a row group."""
    by_part = itertools.groupby(blocks, key=lambda block: block[0])
    return [(part, sum(rows for _, rows in of_part)) for part, of_part in by_part]


def _has_to_follow(part: FilePart, following: FilePart) -> bool:
    return part.file == following.file and is_packed(part.file)


def _join(parts: Iterable[FilePart]) -> tuple[FilePart, ...]:
    joined: list[FilePart] = []
    for part in parts:
        if joined and joined[-1].file == part.file:
            last = joined.pop()
            part = dataclasses.replace(last, end=part.end, size=last.size + part.size)
        joined.append(part)
    return tuple(joined)
