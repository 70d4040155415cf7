"""Features of the iris task."""

import tensorflow_transform as tft

from tests.tasks.iris.data import MEASURES

LABEL = "species"


def preprocessing_fn(inputs):
    """Z-scores; the label is the number of the species."""
    outputs = {name: tft.scale_to_z_score(inputs[name]) for name in MEASURES}
    if LABEL in inputs:
        outputs[LABEL] = inputs[LABEL]
    return outputs
