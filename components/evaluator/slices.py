"""Find the slices of each row of a batch.

TFMA's slicer names the slices. It is called once for each distinct combination of values, not once for each row.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.api import types
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.slicer import slicer_lib
from tensorflow_model_analysis.utils import util

from components.evaluator.inputs import Batch, Extracts

SliceKey = tuple[tuple[str, str | int | float], ...]  # TFMA's


@dataclasses.dataclass(frozen=True)
class SlicedBatch:
    """Pairs of a row and a slice; a row is in none, one or several slices."""

    keys: list[SliceKey]
    rows: np.ndarray  # int64 [pairs], ascending
    slices: np.ndarray  # int64 [pairs]: positions in `keys`


class Slicer:
    """Finds the slices that an EvalConfig asks for."""

    def __init__(self, eval_config: config_pb2.EvalConfig):
        """Read the slices of the config, including those that only occur in cross_slicing_specs."""
        wanted = list(eval_config.slicing_specs)
        for crossed in eval_config.cross_slicing_specs:
            wanted += [crossed.baseline_spec, *crossed.slicing_specs]
        # Like TFMA: one slice of all rows if the config names none.
        self._specs = [(_columns(spec), slicer_lib.SingleSliceSpec(spec=spec)) for spec in wanted] or [
            ((), slicer_lib.SingleSliceSpec())
        ]
        models = [spec.name for spec in eval_config.model_specs]
        self._models = models if len(models) > 1 else []

    def slice(self, batch: Batch) -> SlicedBatch:
        """Find the slices of each row.

        Args:
            batch: of extracts.

        Returns:
            The rows with their slices.

        Raises:
            ValueError: A value to slice by is text that is not UTF-8, or has a type that TFMA does not slice by.
        """
        ids: dict[SliceKey, int] = {}
        pairs = [np.empty((0, 2), np.int64)]
        sources = self._sources(batch.extracts)
        columns: dict[str, list[_Column | None]] = {}
        for names, spec in self._specs:
            for name in names:
                if name not in columns:
                    columns[name] = [_make_column(source.get(name), batch.size) for source in sources]
            for rows, keys in _slice_by(spec, {name: columns[name] for name in names}, batch.size):
                for key in keys:
                    number = ids.setdefault(canonical(key), len(ids))
                    pairs.append(np.stack([rows, np.full(len(rows), number)], axis=1))
        rows, slices = np.divmod(np.unique(_encode(np.concatenate(pairs), len(ids))), max(len(ids), 1))
        return SlicedBatch(keys=list(ids), rows=rows, slices=slices)

    def _sources(self, extracts: Extracts) -> list[Mapping[str, Any]]:
        """Return the features to slice by: the transformed ones of each model, then the raw ones."""
        transformed = extracts.get(constants.TRANSFORMED_FEATURES_KEY) or {}
        found = [transformed[name] for name in self._models if name in transformed] if self._models else [transformed]
        return [*found, util.get_features_from_extracts(extracts)]


def canonical(key: SliceKey) -> SliceKey:
    """Replace every NaN by the same object, so that equal slice keys compare as equal."""
    return tuple((name, math.nan if isinstance(value, float) and math.isnan(value) else value) for name, value in key)


@dataclasses.dataclass(frozen=True)
class _Column:
    codes: np.ndarray  # int64 [rows], 0 or more: rows with the same code have the same values
    values: list[np.ndarray]  # by code


def _columns(spec: config_pb2.SlicingSpec) -> tuple[str, ...]:
    return (*spec.feature_keys, *spec.feature_values)


def _encode(pairs: np.ndarray, slices: int) -> np.ndarray:
    return pairs[:, 0] * slices + pairs[:, 1]


def _slice_by(
    spec: slicer_lib.SingleSliceSpec, columns: Mapping[str, Sequence[_Column | None]], size: int
) -> Iterator[tuple[np.ndarray, set[SliceKey]]]:
    """Yield groups of rows with the same values in `columns`, each with its slices as TFMA names them."""
    codes = [column.codes for sources in columns.values() for column in sources if column is not None]
    if not codes:
        groups = [np.arange(size)] if size else []
    else:
        _, inverse = np.unique(np.stack(codes, axis=1), axis=0, return_inverse=True)
        inverse = inverse.reshape(-1)  # NumPy 2.0 returns it with a second dimension
        order = np.argsort(inverse, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(inverse[order])) + 1)
    for rows in groups:
        *transformed, raw = _features_of(columns, int(rows[0])) or ({},)
        yield rows, set(slicer_lib.get_slices_for_features_dicts(transformed, raw, [spec]))


def _features_of(columns: Mapping[str, Sequence[_Column | None]], row: int) -> list[dict[str, np.ndarray]]:
    """Return the values of a row, one dict per source of features."""
    return [
        {name: column.values[column.codes[row]] for name, column in zip(columns, source, strict=True) if column}
        for source in zip(*columns.values(), strict=True)
    ]


def _make_column(value: Any, size: int) -> _Column | None:
    """Return the distinct values of a feature and the number of each row's value; None if there is no feature."""
    if value is None:
        return None
    if isinstance(value, np.ndarray) and value.size == size:
        codes, distinct = pd.factorize(value.reshape(size), use_na_sentinel=False)
        return _Column(codes, [np.array([one], dtype=value.dtype) for one in distinct])
    if isinstance(value, types.VarLenTensorValue) and len(np.unique(value.indices[:, 0])) == len(value.indices):
        given, distinct = pd.factorize(value.values, use_na_sentinel=False)
        codes = np.full(size, len(distinct))
        codes[value.indices[:, 0]] = given
        nothing = np.empty(0, dtype=value.values.dtype)
        return _Column(codes, [*(np.array([one], dtype=value.values.dtype) for one in distinct), nothing])
    return _number_rows(value, size)


def _number_rows(value: Any, size: int) -> _Column:
    """Return the distinct lists of values of a feature that has several values in some rows, and their numbers."""
    numbers: dict[tuple[Any, ...], int] = {}
    values: list[np.ndarray] = []
    codes = np.empty(size, np.int64)
    for row, extracts in enumerate(util.split_extracts({"value": value})):
        one = extracts["value"]
        flat = np.asarray(getattr(one, "values", one)).reshape(-1)
        code = numbers.setdefault(tuple(flat.tolist()), len(numbers))
        if code == len(values):
            values.append(flat)
        codes[row] = code
    return _Column(codes, values)
