"""A project whose ExampleGen makes several shards of a small file."""

from pathlib import Path

from tests.runs.project import Project

_READER = "components/csv_example_gen"


def copy_with_small_shards(root: Path) -> Project:
    """A copy of the project that reads in blocks of 2 KiB, and writes a file a split for each 8 KiB: three of 24 KB."""
    project = Project.copy(root)
    project.edit(f"{_READER}/csv_blocks.py", "BLOCK_BYTES = 2 << 20", "BLOCK_BYTES = 2 << 10")
    project.edit(f"{_READER}/file_parts.py", "SHARD_BYTES = 16 << 20", "SHARD_BYTES = 8 << 10")
    return project
