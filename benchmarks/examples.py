"""Read the rows that a run trained and scored on, as its record names them."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from components.tfrecords import read_records


def examples_folder(summary: dict[str, Any]) -> Path:
    """Return the folder of the run's raw Examples, which the node ExampleGen wrote, whatever its class.

    Args:
        summary: the run's record, summary.json.

    Returns:
        The folder.

    Raises:
        LookupError: The record names none.
    """
    for node in summary["nodes"]:
        for output in node["outputs"].values():
            if output["type"] == "Examples" and node["id"].endswith("ExampleGen"):
                return Path(output["uri"])
    raise LookupError(
        "summary.json names no Examples of an ExampleGen: expected a run that read rows; name another run"
    )


def read_rows(examples: Path, split: str) -> list[dict[str, int | float | str]]:
    """Return one mapping per tf.Example, with the first value of each feature that has one."""
    files = sorted(map(str, (examples / f"Split-{split}").glob("*.gz")))
    rows = []
    for record in read_records(files):
        row = {}
        for name, feature in tf.train.Example.FromString(record).features.feature.items():
            values = getattr(feature, feature.WhichOneof("kind") or "float_list").value
            if values:
                row[name] = values[0].decode() if isinstance(values[0], bytes) else values[0]
        rows.append(row)
    return rows
