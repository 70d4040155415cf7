"""Divide files into shards without reading their cells."""

from collections.abc import Iterator, Sequence

import pyarrow.parquet as pq

from components.csv_example_gen.csv_blocks import read_csv_blocks
from components.csv_example_gen.file_contents import is_parquet, open_content
from components.csv_example_gen.file_parts import SHARD_BYTES, FilePart, Shard, group_shards


def plan_shards(files: Sequence[str], shard_bytes: int = SHARD_BYTES) -> list[Shard]:
    """Return the shards of files in the order of their rows; rows are not counted, so `Shard.rows` is 0.

    A compressed file is one shard, and so is a file with quotes in unusual places, since neither can be read from the
    middle.

    Args:
        files: the files.
        shard_bytes: approximate size of a shard, in bytes of text.

    Raises:
        SourceError: A file cannot be read.
    """
    return group_shards(((part, 0) for file in files for part in _find_parts(file)), shard_bytes)


def _find_parts(file: str) -> Iterator[FilePart]:
    if not is_parquet(file):
        for block in read_csv_blocks(file):
            yield block.part
        return
    with open_content(file) as stream:
        metadata = pq.ParquetFile(stream).metadata
        first = 1
        for group in range(metadata.num_row_groups):
            found = metadata.row_group(group)
            yield FilePart(file=file, begin=group, end=group + 1, first=first, size=found.total_byte_size)
            first += found.num_rows
