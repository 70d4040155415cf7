"""Convert scikit-learn's boosted trees to a Keras model, so that the model server needs no scikit-learn.

All trees are in one table with a row for each node. The graph starts at the root of every tree at once, and gathers the
next nodes as often as the deepest tree has levels. A leaf leads to itself. Everything is float64, as in scikit-learn,
so a row reaches the same leaves; only the order of the last sum differs.

The table is read from the private attributes of scikit-learn 1.5 (`_predictors`, `_baseline_prediction`,
`_preprocessor`). Tests compare the result with scikit-learn's own, in the version that is installed.
"""

import dataclasses
from typing import TYPE_CHECKING, TypeAlias

import keras
import numpy as np

if TYPE_CHECKING:  # Only trainings need scikit-learn, and its import takes a second.
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    BoostedTrees: TypeAlias = HistGradientBoostingClassifier | HistGradientBoostingRegressor

MAX_CATEGORIES = 255  # scikit-learn's limit for one column
_UNKNOWN = MAX_CATEGORIES + 1  # place of missing and unseen values; ids come before it
_PLACES = MAX_CATEGORIES + 2
# Columns of the table.
_COLUMN, _THRESHOLD, _MISSING_LEFT, _LEFT, _RIGHT, _CHOICE, _VALUE = range(7)
_NO_CHOICE = -1  # value of _CHOICE in a node that compares a number


class TreesError(ValueError):
    """The trees cannot be converted to a graph."""


def trees_output(trees: "BoostedTrees", columns: keras.KerasTensor, *, rounds: int | None = None) -> keras.KerasTensor:
    """Convert fitted trees to a graph that computes scikit-learn's raw prediction.

    Args:
        trees: fitted to the same columns. Their categorical features hold ids, 0 to 255.
        columns: float32 or float64 [batch, columns]; NaN is missing.
        rounds: number of boosting rounds to use; None: all.

    Returns:
        float64 [batch, outputs]: the logit for two classes, one logit for each of several classes, or the number of a
        regression with squared loss.

    Raises:
        TreesError: The trees have other columns, a category that is not an id, or a loss that is not supported.
    """
    _require_fit(trees, columns.shape[-1])
    forest = _read_forest(trees, trees._predictors[:rounds])
    rows = keras.ops.cast(columns, "float64")
    nodes = _table("nodes", forest.nodes)
    choices = _table("choices", forest.goes_left)
    here = keras.ops.cast(keras.ops.zeros_like(rows[:, :1]), "int32") + keras.ops.array(forest.roots, "int32")
    for _ in range(forest.depth):
        node = nodes(here)  # [batch, trees, columns of the table]
        cell = keras.ops.take_along_axis(rows, _whole(node[..., _COLUMN]), axis=1)  # [batch, trees]
        missing = keras.ops.isnan(cell)
        by_number = keras.ops.where(missing, _is_one(node[..., _MISSING_LEFT]), cell <= node[..., _THRESHOLD])
        is_id = keras.ops.logical_and(cell >= 0, cell <= MAX_CATEGORIES)
        place = keras.ops.where(is_id, cell, keras.ops.full_like(cell, _UNKNOWN))
        is_choice = node[..., _CHOICE] > _NO_CHOICE
        choice = keras.ops.where(is_choice, node[..., _CHOICE], keras.ops.zeros_like(cell))
        by_category = _is_one(choices(_whole(choice * _PLACES + place))[..., 0])
        goes_left = keras.ops.where(is_choice, by_category, by_number)
        here = _whole(keras.ops.where(goes_left, node[..., _LEFT], node[..., _RIGHT]))
    outputs = len(forest.baseline)
    values = keras.ops.reshape(nodes(here)[..., _VALUE], (-1, len(forest.roots) // outputs, outputs))
    return keras.ops.sum(values, axis=1) + keras.ops.array(forest.baseline, "float64")


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Forest:
    """All trees in one table."""

    nodes: np.ndarray  # float64 [nodes, 7]
    goes_left: np.ndarray  # float64 [choices * _PLACES, 1]; 1: the id goes left at a node that splits a category
    roots: np.ndarray  # int32 [trees]; by round, then by output
    depth: int  # steps from a root to the farthest leaf
    baseline: np.ndarray  # float64 [outputs]


def _read_forest(trees: "BoostedTrees", rounds: list) -> _Forest:
    column_of, codes = _columns(trees)
    tables, choices, roots, start, depth = [], [np.zeros(_PLACES)], [], 0, 0
    for tree in (tree for of_round in rounds for tree in of_round):
        found = tree.nodes
        table = np.empty((len(found), 7))
        inner = ~found["is_leaf"].astype(bool)
        own = np.arange(start, start + len(found))
        table[:, _COLUMN] = np.where(inner, column_of[found["feature_idx"]], 0)
        table[:, _THRESHOLD] = found["num_threshold"]
        table[:, _MISSING_LEFT] = found["missing_go_to_left"]
        table[:, _LEFT] = np.where(inner, start + found["left"], own)
        table[:, _RIGHT] = np.where(inner, start + found["right"], own)
        table[:, _CHOICE] = _NO_CHOICE
        table[:, _VALUE] = found["value"]
        for place in np.flatnonzero(inner & found["is_categorical"].astype(bool)):
            node = found[place]
            left = _as_bits(tree.raw_left_cat_bitsets[node["bitset_idx"]])
            table[place, _CHOICE] = len(choices)
            choices.append(_left_by_id(codes[node["feature_idx"]], left, bool(node["missing_go_to_left"])))
        tables.append(table)
        roots.append(start)
        start += len(found)
        depth = max(depth, int(found["depth"].max()))
    return _Forest(
        nodes=np.concatenate(tables),
        goes_left=np.concatenate(choices)[:, np.newaxis],
        roots=np.array(roots),
        depth=depth,
        baseline=np.asarray(trees._baseline_prediction, np.float64).reshape(-1),
    )


def _columns(trees: "BoostedTrees") -> tuple[np.ndarray, list[np.ndarray]]:
    """Undo scikit-learn's preprocessing, which moves categorical columns to the front and numbers their categories.

    Returns:
        The column of each feature of the trees, int [features]; for each categorical feature its ids, in their order.

    Raises:
        TreesError: A category is not an id.
    """
    if trees.is_categorical_ is None:
        return np.arange(trees.n_features_in_), []
    categorical = np.asarray(trees.is_categorical_, bool)
    encoder = trees._preprocessor.named_transformers_["encoder"]
    codes = [ids[~np.isnan(ids)] for ids in (np.asarray(each, np.float64) for each in encoder.categories_)]
    for ids in codes:
        if len(ids) and (ids.min() < 0 or ids.max() > MAX_CATEGORIES or (ids != np.floor(ids)).any()):
            raise TreesError(
                f"categories of boosted trees: expected ids, whole numbers from 0 to {MAX_CATEGORIES}, received "
                f"{ids.min():g} to {ids.max():g}; number the categories, or give the trees this column as a number"
            )
    return np.concatenate([np.flatnonzero(categorical), np.flatnonzero(~categorical)]), codes


def _left_by_id(ids: np.ndarray, left: np.ndarray, missing_left: bool) -> np.ndarray:
    """Return whether each id goes left, float64 [_PLACES]; unseen ids go where missing values go."""
    goes = np.full(_PLACES, float(missing_left))
    goes[ids.astype(int)] = left[: len(ids)]
    return goes


def _as_bits(words: np.ndarray) -> np.ndarray:
    """Return the bits of a set, lowest first: uint32 [8] -> [256] of 0 or 1."""
    return np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little")


def _table(name: str, values: np.ndarray) -> keras.layers.Embedding:
    """Make a layer that gathers rows of a fixed table."""
    layer = keras.layers.Embedding(*values.shape, name=name, dtype="float64", trainable=False)
    layer.build(None)
    layer.embeddings.assign(values)
    return layer


def _whole(numbers: keras.KerasTensor) -> keras.KerasTensor:
    return keras.ops.cast(numbers, "int32")


def _is_one(flags: keras.KerasTensor) -> keras.KerasTensor:
    return keras.ops.equal(flags, 1)  # `==` of KerasTensors compares objects.


def _require_fit(trees: "BoostedTrees", columns: int) -> None:
    if trees.n_features_in_ != columns:
        raise TreesError(
            f"boosted trees: expected the {trees.n_features_in_} columns that they were fitted to, received {columns}; "
            "give them the same columns in the same order"
        )
    if getattr(trees, "loss", None) not in ("log_loss", "squared_error"):
        raise TreesError(
            f"boosted trees: expected loss='log_loss' or 'squared_error', received {trees.loss!r}, whose "
            "prediction needs another link function; apply it to the result of trees_output, and allow the loss here"
        )
