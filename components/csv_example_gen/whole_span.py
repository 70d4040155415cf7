"""Add a split with all rows of a span, train and eval, which is checked when the span is ingested.

Drift thresholds are chosen for whole spans. In a third of a span, differences by chance would be larger.
"""

import os

from tfx import types
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.csv_example_gen.shard_writer import SIDES

SPAN = "span"  # name of the split


def add_whole_span(examples: types.Artifact) -> None:
    """Add the split SPAN to written Examples: hard links to the files of both sides, or copies where links fail."""
    sides = {side: artifact_utils.get_split_uri([examples], side) for side in SIDES}
    examples.split_names = artifact_utils.encode_split_names([*SIDES, SPAN])
    whole = artifact_utils.get_split_uri([examples], SPAN)
    fileio.makedirs(whole)
    for side, folder in sides.items():
        for name in sorted(fileio.listdir(folder)):
            source, target = os.path.join(folder, name), os.path.join(whole, f"{side}_{name}")
            try:
                os.link(source, target)
            except OSError:  # a file system without hard links, or a remote one
                fileio.copy(source, target)
