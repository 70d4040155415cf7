"""Transformed rows of any list of features, made up from what their records say."""

from collections.abc import Sequence

import numpy as np

from pipelines.tasks.taxi import features as ft
from pipelines.tasks.taxi.kinds.kind import Category, Feature

STRINGS = 7  # in each vocabulary


def vocabulary_size(name: str) -> int:
    """How many strings the vocabulary of a feature has, as if all had the same."""
    return STRINGS


def made_rows(rows: int, features: Sequence[Feature] = ft.FEATURES) -> dict[str, np.ndarray]:
    """Numbers around 0, and every id of a category that fits into so many rows."""
    random = np.random.default_rng(3)
    found: dict[str, np.ndarray] = {}
    for feature in features:
        shape = (rows, *feature.shape)
        if isinstance(feature, Category):
            found[feature.name] = random.integers(feature.count_ids(vocabulary_size), size=shape)
        else:
            found[feature.name] = random.normal(size=shape)
        found[feature.name] = found[feature.name].astype(feature.dtype)
    return found
