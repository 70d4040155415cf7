"""Group parts of files into shards; one worker reads and writes a shard."""

import dataclasses
import itertools
import math
from collections.abc import Iterable, Sequence

from components.csv_example_gen.file_contents import is_packed, is_parquet

SHARD_BYTES = 16 << 20  # bytes of text in a shard; reading and writing them takes about two seconds
MOST_SHARDS = 1000  # large data gets larger shards instead, since every reader must open each file


@dataclasses.dataclass(frozen=True, kw_only=True)
class FilePart:
    """Consecutive rows of a file: a range of bytes of text, or of row groups of Parquet."""

    file: str
    begin: int  # first byte, of a `.gz` in the uncompressed text; or first row group
    end: int | None  # first byte or row group after the part; None: to the end of the file
    first: int  # number of the first line, from 1; for Parquet, of the first row
    size: int  # bytes of text; for Parquet, of the uncompressed row groups


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shard:
    """The rows that one worker reads, and writes to one file per split."""

    parts: tuple[FilePart, ...]
    first_row: int  # number of the first row over all files, from 0
    rows: int


def group_shards(blocks: Iterable[tuple[FilePart, int]], shard_bytes: int | None = None) -> list[Shard]:
    """Return shards of about equal size that hold the given parts in the same order.

    Parts are not divided. A compressed file is not divided either, since a reader of its end must uncompress all of it.

    Args:
        blocks: parts, and the number of rows in each.
        shard_bytes: least bytes of text in each shard except the last one; None: one shard, so one file per split.
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
    """Return messages about files that one worker must read slowly, or that exceed a shard, with the reasons."""
    reasons: list[str] = []
    for part in (part for shard in shards for part in shard.parts):
        if part.end is None and not is_parquet(part.file):
            reasons.append(
                f"{part.file}: one worker reads it to its end, in part line by line: it holds quotes inside unquoted "
                "cells, or carriage returns alone"
            )
        elif shard_bytes is not None and is_packed(part.file) and part.size >= 2 * shard_bytes:
            reasons.append(f"{part.file}: one worker reads all of it, since a .gz cannot be read from its middle")
    return reasons


def _sum_rows(blocks: Iterable[tuple[FilePart, int]]) -> list[tuple[FilePart, int]]:
    """Return each part with its rows; a part may have several blocks, such as the batches of a row group."""
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
