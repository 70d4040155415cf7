"""The rows that a run trained and scored on, as its record names them."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from components.tfrecords import read_records


def examples_folder(summary: dict[str, Any]) -> Path:
    """Where the run's raw Examples lie: what the node ExampleGen wrote, by whatever class it was made.

    Raises:
        LookupError: The record (summary.json) names none.
    """
    for node in summary["nodes"]:
        for output in node["outputs"].values():
            if output["type"] == "Examples" and node["id"].endswith("ExampleGen"):
                return Path(output["uri"])
    raise LookupError("summary.json names no Examples of an ExampleGen")


def read_rows(examples: Path, split: str) -> list[dict[str, int | float | str]]:
    """One mapping per tf.Example; a feature without a value is left out, of several values the first counts."""
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
