"""The records of a registry: JSON files in a folder of any file system, one for each event, the newest found first."""

import json
import os
import time
import uuid
from collections.abc import Iterator
from typing import Any

from tfx.dsl.io import fileio
from tfx.utils import io_utils

ACCEPTED, PUSHED = "accepted", "pushed"  # the folders


def write_record(registry: str, kind: str, record: dict[str, Any]) -> str:
    """Writes a record, and returns its path.

    Args:
        registry: URI of the folder.
        kind: ACCEPTED or PUSHED.
        record: JSON.
    """
    # By time; two that are written in the same moment do not overwrite each other.
    path = os.path.join(registry, kind, f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.json")
    io_utils.write_bytes_file(path, (json.dumps(record, indent=1) + "\n").encode())
    return path


def read_records(registry: str, kind: str) -> Iterator[dict[str, Any]]:
    """Yields the records, the newest first; none where nothing was ever recorded.

    Args: as `write_record` takes them.

    Raises:
        ValueError: A record is none.
    """
    folder = os.path.join(registry, kind)
    names = fileio.listdir(folder) if fileio.isdir(folder) else []
    for name in sorted((name for name in names if name.endswith(".json")), reverse=True):
        path = os.path.join(folder, name)
        try:
            yield json.loads(io_utils.read_bytes_file(path))
        except ValueError as error:
            raise ValueError(
                f"{path}: expected a record as JSON, received something else: {error}; remove it"
            ) from error
