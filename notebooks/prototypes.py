"""Prototypes: models outside the pipeline, and their predictions, kept so that another notebook can compare them.

A prototype's predictions are of one set of evaluation rows, and are compared on no other: the file holds a digest of
the rows, and who reads it has to name them.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from serving.durable_file import write_whole

_PREDICTION = "prediction"
_ROWS = b"eval_rows"  # key of the digest in the file's metadata
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class PrototypeError(ValueError):
    """A prototype's predictions cannot be kept, or are not there."""


def fit_gradient_boosted_trees(rows: pd.DataFrame, labels: np.ndarray, seed: int = 0) -> Pipeline:
    """Fits scikit-learn's gradient-boosted trees, with their defaults, on raw columns.

    Args:
        rows: raw columns as Run.rows gives them, those alone that a server is sent.
        labels: 0 or 1, [rows].
        seed: of the rows that are held out to know when to stop.

    Returns:
        Takes raw rows; `predict_proba(rows)[:, 1]` is the probability of a 1.
    """
    known = {name: pd.Index(rows[name].dropna().unique()) for name in rows if rows[name].dtype == object}
    trees = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=seed)
    prepare = FunctionTransformer(_to_tree_types, kw_args={"known": known, "columns": list(rows)})
    return make_pipeline(prepare, trees).fit(rows, labels)


def save_predictions(var: Path, task: str, name: str, predictions: np.ndarray, records: Iterable[bytes]) -> Path:
    """Keeps a prototype's predictions of the evaluation rows, whole or not at all, and returns the file.

    Args:
        var: the folder that runs write to.
        task: name of the task.
        name: of the prototype: small letters, digits, - and _.
        predictions: probabilities, [rows].
        records: the evaluation rows, as Run.records gives them.

    Raises:
        PrototypeError: The name cannot be a file's, or there is not one number between 0 and 1 for each row.
    """
    rows, predictions = list(records), np.asarray(predictions)
    if not _NAME.fullmatch(name):
        raise PrototypeError(f"prototype name: expected small letters, digits, - and _, received {name!r}")
    if predictions.shape != (len(rows),) or not ((predictions >= 0) & (predictions <= 1)).all():
        raise PrototypeError(
            f"prototype {name}: expected one probability for each of {len(rows):,} rows, received shape "
            f"{predictions.shape} with values from {predictions.min(initial=np.inf):g} to "
            f"{predictions.max(initial=-np.inf):g}"
        )
    path = _folder(var, task) / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({_PREDICTION: predictions.astype(np.float32)})
    content = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({_ROWS: digest_rows(rows)}), content)
    write_whole(path, memoryview(content.getvalue()))
    return path


def read_predictions(var: Path, task: str, records: Iterable[bytes]) -> Mapping[str, np.ndarray]:
    """Reads the prototypes whose predictions are of these very rows: name -> probabilities, float32 [rows].

    Args:
        var: the folder that runs write to.
        task: name of the task.
        records: the evaluation rows, as Run.records gives them.
    """
    digest = digest_rows(records)
    found = {path.stem: pq.read_table(path) for path in sorted(_folder(var, task).glob("*.parquet"))}
    return {
        name: table[_PREDICTION].to_numpy()
        for name, table in found.items()
        if (table.schema.metadata or {}).get(_ROWS) == digest.encode()
    }


def digest_rows(records: Iterable[bytes]) -> str:
    """Digests a set of rows, their order included; 64 hex digits."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(hashlib.sha256(record).digest())
    return digest.hexdigest()


def _folder(var: Path, task: str) -> Path:
    return var / "prototypes" / task


def _to_tree_types(rows: pd.DataFrame, known: Mapping[str, pd.Index], columns: list[str]) -> pd.DataFrame:
    """Converts strings to categories, unseen ones to missing, and numbers to float64, NaN where missing."""
    return pd.DataFrame(
        {
            name: pd.Categorical(rows[name], categories=known[name]) if name in known else rows[name].astype("float64")
            for name in columns
        },
        index=rows.index,
    )
