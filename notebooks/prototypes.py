"""Fit prototypes outside the pipeline, and keep their predictions for the notebook that compares them.

A file of predictions holds a digest of its eval rows. Predictions of other rows are not read.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from pipelines.runs.model import as_predictions
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION
from serving.durable_file import write_whole

_PREDICTION = "prediction"
_ROWS = b"eval_rows"  # key of the digest in the file's metadata
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_EXPECTED = {
    BINARY: "one probability",
    MULTICLASS: "probabilities of 2 or more classes, which add up to 1,",
    REGRESSION: "one number",
}
_ROUNDING = 1e-3  # largest difference of the sum of a row's probabilities from 1


class PrototypeError(ValueError):
    """A prototype's name or predictions are not valid."""


def fit_gradient_boosted_trees(rows: pd.DataFrame, labels: np.ndarray, problem: str, seed: int = 0) -> Pipeline:
    """Fit scikit-learn's gradient-boosted trees, with their defaults, on raw columns.

    Args:
        rows: raw columns as Run.rows returns them, only those that are sent to the model server.
        labels: 0 or 1, class numbers, or the number to predict, [rows].
        problem: one of pipelines.task_definition.problem.PROBLEMS.
        seed: selects the rows that are held out for early stopping.

    Returns:
        A scikit-learn pipeline that accepts raw rows, for `predict_with_trees`.
    """
    known = {name: pd.Index(rows[name].dropna().unique()) for name in rows if rows[name].dtype == object}
    kind = HistGradientBoostingRegressor if problem == REGRESSION else HistGradientBoostingClassifier
    trees = kind(categorical_features="from_dtype", random_state=seed)
    prepare = FunctionTransformer(_to_tree_types, kw_args={"known": known, "columns": list(rows)})
    return make_pipeline(prepare, trees).fit(rows, labels)


def predict_with_trees(trees: Pipeline, rows: pd.DataFrame, problem: str, classes: int = 2) -> np.ndarray:
    """Return the trees' predictions in the same form as those of the task's models.

    Args:
        trees: as `fit_gradient_boosted_trees` returned them.
        rows: raw rows.
        problem: the one that the trees were fitted for.
        classes: number of classes; a class without a training row gets probability 0.

    Returns:
        [rows]: the probability of a 1, or the predicted number. [rows, classes] with several classes: probabilities.
    """
    if problem == REGRESSION:
        return trees.predict(rows)
    known = trees.predict_proba(rows)
    found = np.zeros((len(rows), classes))
    found[:, trees.classes_.astype(int)] = known
    return found[:, 1] if problem == BINARY else found


def save_predictions(
    var: Path, task: str, name: str, predictions: np.ndarray, records: Iterable[bytes], *, problem: str
) -> Path:
    """Write a prototype's predictions of the eval rows, whole or not at all.

    Args:
        var: the folder that runs write to.
        task: name of the task.
        name: of the prototype: lower-case letters, digits, - and _.
        predictions: probabilities or numbers, [rows]; of several classes probabilities, [rows, classes].
        records: the eval rows, as Run.records returns them.
        problem: one of pipelines.task_definition.problem.PROBLEMS.

    Returns:
        The file.

    Raises:
        PrototypeError: The name is not valid, or the predictions do not suit the problem or the rows.
    """
    rows, predictions = list(records), np.asarray(predictions)
    if not _NAME.fullmatch(name):
        raise PrototypeError(f"prototype name: expected small letters, digits, - and _, received {name!r}")
    if not _suits(predictions, len(rows), problem):
        raise PrototypeError(
            f"prototype {name}: expected {_EXPECTED[problem]} for each of {len(rows):,} rows, received shape "
            f"{predictions.shape} with values from {predictions.min(initial=np.inf):g} to "
            f"{predictions.max(initial=-np.inf):g}"
        )
    path = _folder(var, task) / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = predictions.astype(np.float32).reshape(len(rows), -1)
    names = [_PREDICTION] if problem != MULTICLASS else [f"{_PREDICTION}_{i}" for i in range(columns.shape[1])]
    table = pa.table({column: columns[:, place] for place, column in enumerate(names)})
    content = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({_ROWS: digest_rows(rows)}), content)
    write_whole(path, memoryview(content.getvalue()))
    return path


def read_predictions(var: Path, task: str, records: Iterable[bytes]) -> Mapping[str, np.ndarray]:
    """Return the predictions of each prototype on exactly these rows: name -> float32 [rows] or [rows, classes].

    Args:
        var: the folder that runs write to.
        task: name of the task.
        records: the eval rows, as Run.records returns them.
    """
    digest = digest_rows(records)
    found = {path.stem: pq.read_table(path) for path in sorted(_folder(var, task).glob("*.parquet"))}
    return {
        name: as_predictions(table.to_pandas())
        for name, table in found.items()
        if (table.schema.metadata or {}).get(_ROWS) == digest.encode()
    }


def digest_rows(records: Iterable[bytes]) -> str:
    """Return the SHA-256 digest of rows in their order, as 64 hex digits."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(hashlib.sha256(record).digest())
    return digest.hexdigest()


def _suits(predictions: np.ndarray, rows: int, problem: str) -> bool:
    """Return whether predictions are finite and have the problem's shape and range."""
    shaped = predictions.ndim == 2 and predictions.shape[1] > 1 if problem == MULTICLASS else predictions.ndim == 1
    if not shaped or len(predictions) != rows or not np.isfinite(predictions).all():
        return False
    if problem == REGRESSION:
        return True
    whole = problem == BINARY or bool((np.abs(predictions.sum(axis=1) - 1) < _ROUNDING).all())
    return whole and bool(((predictions >= 0) & (predictions <= 1)).all())


def _folder(var: Path, task: str) -> Path:
    return var / "prototypes" / task


def _to_tree_types(rows: pd.DataFrame, known: Mapping[str, pd.Index], columns: list[str]) -> pd.DataFrame:
    """Convert strings to categories and numbers to float64; unseen strings and missing values become missing."""
    return pd.DataFrame(
        {
            name: pd.Categorical(rows[name], categories=known[name]) if name in known else rows[name].astype("float64")
            for name in columns
        },
        index=rows.index,
    )
