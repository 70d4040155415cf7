"""Split stacked features, which are transformed tensors of several columns, into one feature for each column.

An output of preprocessing_fn costs Transform, Keras and every signature about the same time whether it has one column
or five hundred. So a task may stack similar features, [batch, n]; `Task.feature_parts` names the columns.
"""

from collections.abc import Mapping, Sequence

import numpy as np

FEATURE_PARTS = "feature_parts"  # key in Transform's custom_config: the value of `Task.feature_parts`

_DIMENSIONS = 2  # rows and columns

Parts = Mapping[str, Sequence[str]]  # stacked feature -> names of its columns, in order


class PartsError(ValueError):
    """The names of a stacked feature's columns do not match the feature."""


def split_parts(features: Mapping[str, np.ndarray], parts: Parts) -> dict[str, np.ndarray]:
    """Split stacked features into their columns.

    Args:
        features: features by name, [rows, n] each.
        parts: names of the columns of each stacked feature.

    Returns:
        Features by name: [rows, 1] for each column of a stacked feature, in its place; other features are unchanged.

    Raises:
        PartsError: The number of a stacked feature's names differs from that of its columns, or two features have the
            same name.

    Example:
        >>> found = split_parts({"place": np.array([[1, 2], [3, 4]])}, {"place": ["east", "north"]})
        >>> {name: values.tolist() for name, values in found.items()}
        {'east': [[1], [3]], 'north': [[2], [4]]}
    """
    found: dict[str, np.ndarray] = {}
    for name, values in features.items():
        columns = {name: values} if name not in parts else _name_columns(name, values, parts[name])
        if twice := sorted(found.keys() & columns.keys()):
            raise PartsError(f"{', '.join(twice)}: expected one feature of that name, received two; rename one")
        found |= columns
    return found


def split_fitting(features: Mapping[str, np.ndarray], parts: Parts) -> dict[str, np.ndarray]:
    """Split stacked features as `split_parts` does, but leave those whole whose shape does not match their names.

    A caller that compares two sets of features finds such a difference itself.

    Args:
        features: features by name, [rows, n] each.
        parts: names of the columns of each stacked feature.

    Returns:
        Features by name, as of `split_parts`.

    Raises:
        PartsError: Two features have the same name.
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
