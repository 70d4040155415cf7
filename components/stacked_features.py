"""Features that stand side by side in one transformed tensor, and what each of its columns is called.

An output of preprocessing_fn costs Transform, Keras and every signature about the same, be it one column or five
hundred. So a task may stack features of a kind, [batch, n]; `Task.feature_parts` names the columns.
"""

from collections.abc import Mapping, Sequence

import numpy as np

FEATURE_PARTS = "feature_parts"  # of Transform's custom_config: what `Task.feature_parts` was

_DIMENSIONS = 2  # rows, and what stands side by side

Parts = Mapping[str, Sequence[str]]  # stacked feature -> names of its columns, in order


class PartsError(ValueError):
    """The names of a stacked feature's columns do not fit it."""


def split_parts(features: Mapping[str, np.ndarray], parts: Parts) -> dict[str, np.ndarray]:
    """Takes stacked features apart.

    Args:
        features: by name, [rows, n] each.
        parts: names of the columns of those that are stacked.

    Returns:
        By name: [rows, 1] for each column of a stacked feature, in its place, and the other features as they are.

    Raises:
        PartsError: A stacked feature has not as many columns as names, or two features have one name.
    """
    found: dict[str, np.ndarray] = {}
    for name, values in features.items():
        columns = {name: values} if name not in parts else _name_columns(name, values, parts[name])
        if twice := sorted(found.keys() & columns.keys()):
            raise PartsError(f"{', '.join(twice)}: expected one feature of that name, received two; rename one")
        found |= columns
    return found


def split_fitting(features: Mapping[str, np.ndarray], parts: Parts) -> dict[str, np.ndarray]:
    """Does the same, but leaves whole what has another shape than its names ask for: there the difference is found.

    Raises:
        PartsError: Two features have one name.
    """
    fitting = {
        name: names
        for name, names in parts.items()
        if name in features and features[name].ndim == _DIMENSIONS and features[name].shape[1] == len(names)
    }
    return split_parts(features, fitting)


def _name_columns(name: str, values: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
    if values.shape[1] != len(names) or len({*names}) != len(names):
        raise PartsError(
            f"{name}: expected a name for each of its {values.shape[1]} columns, all different, received {len(names)}, "
            f"{len({*names})} of them different; correct the task's feature_parts"
        )
    return {part: values[:, place : place + 1] for place, part in enumerate(names)}
