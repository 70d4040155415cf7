"""Call an exported model on raw rows."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from components.artifact_files import local_copy
from components.signatures import PREDICTIONS, SERVING_DEFAULT, SERVING_RAW, TRANSFORM_FEATURES, check_signatures
from components.stacked_features import Parts, split_parts
from pipelines.runs.errors import RunError
from serving import contract
from serving.contract import Feature, Kind

PREDICTION = "prediction"
# Types of which each value is allowed, so that single values need no check.
_PLAIN: dict[Kind, set[type]] = {Kind.INT: {int}, Kind.FLOAT: {int, float}, Kind.BYTES: {str}}
_BATCH = 1024  # rows a call, to bound the memory; another size changes predictions only by rounding


class RunModel:
    """A SavedModel as a function from raw rows to predictions, through its signatures."""

    def __init__(self, directory: Path | str, feature_parts: Parts | None = None):
        """Load the model.

        Args:
            directory: the SavedModel, on any file system.
            feature_parts: stacked transformed feature -> names of its columns; a feature without names stays stacked.

        Raises:
            SignatureError: It is not a SavedModel, or lacks a signature.
            ContractError: Its contract cannot be read.
        """
        check_signatures(directory)
        self.directory = directory
        with local_copy(os.path.join(directory, "assets.extra", "schema.pbtxt")) as file:
            self.contract = contract.read(file)
        self._feature_parts = feature_parts or {}
        self._loaded = tf.saved_model.load(str(directory))

    def __call__(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Predict through the signature serving_raw, like a client's JSON request.

        Args:
            rows: raw values, one column per feature of the contract, with None, NaN or NA for a missing value. A
                feature that the contract does not require may have no column. Other columns are ignored.

        Returns:
            A row of predictions for each row, with the index of `rows`: "prediction" float32, or "prediction_0",
            "prediction_1", … if the model has several outputs, such as one per class.

        Raises:
            RunError: A required value is missing, or a value does not have the contract's type.
        """
        inputs = self._to_inputs(rows)
        signature = self._loaded.signatures[SERVING_RAW]
        parts = [
            signature(**{name: tf.constant(values[start : start + _BATCH]) for name, values in inputs.items()})
            for start in range(0, len(rows), _BATCH)
        ]
        return _to_frame(signature, parts).set_index(rows.index)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the raw columns that the model takes, in the order of the contract."""
        return tuple(feature.name for feature in self.contract.features)

    def mix(self, rows: pd.DataFrame) -> "MixedRows":
        """Convert a table of rows, to predict rows that combine values of several of its rows.

        Args:
            rows: as for `__call__`.

        Returns:
            A callable that takes the number of the table's row for each value of the rows to predict.

        Raises:
            RunError: As for `__call__`.
        """
        return MixedRows(self._loaded.signatures[SERVING_RAW], self._to_inputs(rows))

    def predict_records(self, records: list[bytes]) -> pd.DataFrame:
        """Predict serialized tf.Examples through the signature serving_default.

        `__call__` also converts rows to values of JSON, which takes ten times as long as the model.

        Args:
            records: the tf.Examples.

        Returns:
            The predictions, as `__call__` returns them, with the index 0, 1, …
        """
        signature = self._loaded.signatures[SERVING_DEFAULT]
        return _to_frame(
            signature, [signature(tf.constant(records[i : i + _BATCH])) for i in range(0, len(records), _BATCH)]
        )

    def transformed(self, records: list[bytes]) -> dict[str, np.ndarray]:
        """Transform serialized tf.Examples that have the label.

        Args:
            records: the tf.Examples.

        Returns:
            Each transformed feature and the label, by name, [rows, n]. A stacked feature with named columns is split
            into features [rows, 1].
        """
        signature = self._loaded.signatures[TRANSFORM_FEATURES]
        parts = [signature(tf.constant(records[i : i + _BATCH])) for i in range(0, len(records), _BATCH)]
        names = signature.structured_outputs
        outputs = {name: np.concatenate([part[name].numpy() for part in parts]) for name in names}
        return split_parts(outputs, self._feature_parts)

    def _to_inputs(self, rows: pd.DataFrame) -> dict[str, np.ndarray]:
        return {feature.name: _values(feature, rows, self._missing(feature)) for feature in self.contract.features}

    def _missing(self, feature: Feature) -> int | str:
        rule = self.contract.missing
        return rule.string if feature.kind is Kind.BYTES else rule.number


class MixedRows:
    """Predictions of rows whose values are from different rows of a table, for pipelines.attribution.

    The table is converted to tensors once, so that a call takes the time of the model's computation.
    """

    def __init__(self, signature: Any, inputs: Mapping[str, np.ndarray]):
        """Take the signature serving_raw and its inputs, [rows of the table] each."""
        self._signature = signature
        self._inputs = {name: tf.constant(values) for name, values in inputs.items()}

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        """Predict.

        Args:
            positions: number of the table's row that each column's value is from, int64 [rows, columns], the columns in
                the order of `RunModel.columns`.

        Returns:
            float64 [rows, outputs].
        """
        parts = [self._predict(positions[start : start + _BATCH]) for start in range(0, len(positions), _BATCH)]
        outputs = int(self._signature.structured_outputs[PREDICTIONS].shape[-1])
        return np.concatenate([np.empty((0, outputs)), *parts])

    def _predict(self, positions: np.ndarray) -> np.ndarray:
        mixed = {name: tf.gather(self._inputs[name], positions[:, j]) for j, name in enumerate(self._inputs)}
        predictions: np.ndarray = self._signature(**mixed)[PREDICTIONS].numpy()
        return predictions.astype(np.float64)


def as_predictions(frame: pd.DataFrame) -> np.ndarray:
    """Return the predictions of a frame as an array for metrics: [rows], or [rows, classes]; float32."""
    if PREDICTION in frame:
        return frame[PREDICTION].to_numpy()
    columns = [name for name in frame if name.startswith(f"{PREDICTION}_") and name.split("_")[-1].isdecimal()]
    return frame[columns].to_numpy()


def _to_frame(signature: Any, parts: list[dict[str, tf.Tensor]]) -> pd.DataFrame:
    """Return the predictions of a signature's calls as a frame, with a column for each output."""
    outputs = int(signature.structured_outputs[PREDICTIONS].shape[-1])
    found = np.concatenate([np.empty((0, outputs), np.float32), *(part[PREDICTIONS].numpy() for part in parts)])
    names = [PREDICTION] if outputs == 1 else [f"{PREDICTION}_{i}" for i in range(outputs)]
    return pd.DataFrame(found, columns=names)


def _values(feature: Feature, rows: pd.DataFrame, missing: int | str) -> np.ndarray:
    """Convert one column to the input of serving_raw, with the contract's values for missing ones."""
    column = rows[feature.name] if feature.name in rows else pd.Series(None, index=rows.index, dtype=object)
    absent = column.isna()
    if feature.required and absent.any():
        raise RunError(
            f"{feature.name} is required: expected a value in every row, received none in {int(absent.sum()):,} of "
            f"{len(rows):,} rows; fill them or leave those rows out."
        )
    if feature.kind is not Kind.BYTES and _every_number_fits(column, feature.kind):
        return column.fillna(missing).to_numpy(dtype=feature.kind.value)
    cells = [missing if is_absent else cell for cell, is_absent in zip(column.to_list(), absent, strict=True)]
    plain = set(map(type, cells)) <= _PLAIN[feature.kind]  # the usual case, in which no single cell is checked
    wrong = None if plain else next((cell for cell in cells if not _fits(cell, feature.kind)), None)
    if wrong is not None:
        raise RunError(f"{feature.name}: expected {feature.expectation}, received {wrong!r}; correct that column.")
    if feature.kind is Kind.BYTES:
        return np.array([str(cell).encode() for cell in cells], dtype=object)
    return np.array(cells, dtype=feature.kind.value)


def _every_number_fits(column: pd.Series, kind: Kind) -> bool:
    """Tell whether a column's dtype allows only valid numbers, so that no single cell has to be checked."""
    whole, real = pd.api.types.is_signed_integer_dtype(column.dtype), pd.api.types.is_float_dtype(column.dtype)
    return whole or (real and kind is Kind.FLOAT)


def _fits(cell: Any, kind: Kind) -> bool:
    if kind is Kind.BYTES:
        return isinstance(cell, str)
    number = isinstance(cell, int | float | np.integer | np.floating) and not isinstance(cell, bool)
    return number and (kind is Kind.FLOAT or float(cell).is_integer())
