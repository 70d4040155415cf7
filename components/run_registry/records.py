"""Write and read the records of a registry: JSON files, one per event, in a folder on any file system."""

import json
import os
import time
import uuid
from collections.abc import Iterator
from typing import Any

from tfx.dsl.io import fileio
from tfx.utils import io_utils

ACCEPTED, PUSHED = "accepted", "pushed"  # names of subfolders


def write_record(registry: str, kind: str, record: dict[str, Any]) -> str:
    """Write a record.

    Args:
        registry: URI of the registry's folder.
        kind: ACCEPTED or PUSHED.
        record: the record, which JSON can hold.

    Returns:
        The URI of the record's file.
    """
    # Names sort by time. The random part keeps two records of the same moment apart.
    path = os.path.join(registry, kind, f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.json")
    io_utils.write_bytes_file(path, (json.dumps(record, indent=1) + "\n").encode())
    return path


def read_records(registry: str, kind: str) -> Iterator[dict[str, Any]]:
    """Yield the records of a kind, the newest first.

    Args:
        registry: URI of the registry's folder; it need not exist.
        kind: ACCEPTED or PUSHED.

    Yields:
        The records.

    Raises:
        ValueError: A record's file is not JSON.
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
