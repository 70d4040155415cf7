"""A split that holds all rows of a span, train and eval: what is checked when the span is ingested.

Thresholds of drift are argued from whole spans, and a third of one is three times as much at the mercy of chance.
"""

import os

from tfx import types
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.csv_example_gen.shard_writer import SIDES

SPAN = "span"  # the split


def add_whole_span(examples: types.Artifact) -> None:
    """Add the split SPAN to Examples whose rows are written: the same files, linked where the file system can."""
    sides = {side: artifact_utils.get_split_uri([examples], side) for side in SIDES}
    examples.split_names = artifact_utils.encode_split_names([*SIDES, SPAN])
    whole = artifact_utils.get_split_uri([examples], SPAN)
    fileio.makedirs(whole)
    for side, folder in sides.items():
        for name in sorted(fileio.listdir(folder)):
            source, target = os.path.join(folder, name), os.path.join(whole, f"{side}_{name}")
            try:
                os.link(source, target)
            except OSError:  # Another kind of file system, or no file system of this machine.
                fileio.copy(source, target)
