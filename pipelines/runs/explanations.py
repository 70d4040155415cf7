"""Compute the tables of Run.importance, associations, effects, explain, worst_rows and weak_slices.

Predictions are those of the exported model, through its signature serving_raw.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipelines.attribution.associations import find_associations
from pipelines.attribution.effects import Effects, accumulate_local_effects, average_by_value, choose_edges
from pipelines.attribution.importance import Importance, estimate_importance, permute_columns
from pipelines.attribution.shapley import sample_shapley_values
from pipelines.error_analysis.slice_search import SliceSearch, search_slices
from pipelines.error_analysis.worst_slices import SearchOptions
from pipelines.evaluation.row_groups import group_rows
from pipelines.evaluation.row_losses import row_losses
from pipelines.evaluation.slices import OVERALL, Slice, SlicedRows
from pipelines.runs.errors import RunError
from serving.contract import dates
from serving.did_you_mean import suggestion

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import schema_pb2

    from pipelines.runs.model import RunModel

LABEL, PREDICTION, LOSS = "label", "prediction", "loss"
_SEED = 20240501  # fixed, so that the same run has the same sample
_MIN_SLICE_ROWS = 50  # in the sample, since the interval of a slice assumes a normal distribution
_MOST_SEARCHED_ROWS = 20_000  # a slice of 1% then has 100 rows in each half; more rows take seconds
_SHOWN_VALUES = 12  # the most frequent values of a category, or quantiles of dates


def sample_rows(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """Draw `count` rows without replacement, always the same ones; return all rows if there are no more."""
    if len(rows) <= count:
        return rows
    kept = np.sort(np.random.default_rng(_SEED).choice(len(rows), count, replace=False))
    return rows.iloc[kept]


def list_categories(schema: schema_pb2.Schema) -> set[str]:
    """Return the categorical columns: strings, and integers that the contract declares as categorical."""
    from tensorflow_metadata.proto.v0 import schema_pb2

    return {
        feature.name
        for feature in schema.feature
        if feature.type == schema_pb2.BYTES or feature.int_domain.is_categorical
    }


def list_date_formats(schema: schema_pb2.Schema) -> dict[str, str]:
    """Return the format of each column of dates, by column."""
    from tensorflow_metadata.proto.v0 import schema_pb2

    found = {
        feature.name: dates.find_format(feature.name, feature.annotation.tag, schema_pb2.FeatureType.Name(feature.type))
        for feature in schema.feature
    }
    return {name: written for name, written in found.items() if written}


def read_predictions(rows: pd.DataFrame) -> np.ndarray:
    """Return the columns of predictions, float64 [rows, outputs]."""
    names = list_outputs(rows)
    return rows[names].to_numpy(np.float64)


def list_outputs(rows: pd.DataFrame) -> list[str]:
    """Return the names of the columns of predictions: "prediction", or "prediction_0", "prediction_1", …"""
    many = [
        name for name in rows if name.startswith(f"{PREDICTION}_") and name.removeprefix(f"{PREDICTION}_").isdecimal()
    ]
    return [PREDICTION] if PREDICTION in rows else many


def measure_losses(problem: str, rows: pd.DataFrame) -> np.ndarray:
    """Return the loss of each row of Run.eval_predictions, float64 [rows]."""
    return row_losses(problem, rows[LABEL].to_numpy(), read_predictions(rows))


def tabulate_importance(
    model: RunModel, predicted: pd.DataFrame, problem: str, slices: Mapping[str, Slice], permutations: int
) -> pd.DataFrame:
    """Tabulate permutation importance on all rows, and on each slice of the Evaluator; see Run.importance."""
    labels = predicted[LABEL].to_numpy()
    losses = permute_columns(
        model.mix(predicted),
        np.arange(len(predicted)),
        len(model.columns),
        lambda predictions: row_losses(problem, labels, predictions),
        permutations=permutations,
    )
    found, sliced = [_importance_rows(OVERALL, model.columns, estimate_importance(losses))], SlicedRows(predicted)
    for words, where in slices.items():
        inside = sliced.inside(where)
        if words != OVERALL and inside.sum() >= _MIN_SLICE_ROWS:
            found.append(_importance_rows(words, model.columns, estimate_importance(losses, inside)))
    return pd.concat(found, ignore_index=True)


def _importance_rows(words: str, columns: Sequence[str], found: Importance) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"slice": words, "column": columns, "importance": found.value, "low": found.low, "high": found.high}
    )
    return frame.assign(rows=found.rows, loss=found.loss).sort_values("importance", ascending=False, kind="stable")


def tabulate_associations(rows: pd.DataFrame, columns: Sequence[str], categories: Collection[str]) -> pd.DataFrame:
    """Tabulate which columns are associated; see Run.associations."""
    groups = {name: group_rows(rows[name], is_category=name in categories) for name in columns if name in rows}
    numbers = {name: one.number_groups(rows[name]) for name, one in groups.items() if one is not None}
    return pd.DataFrame(find_associations(numbers), columns=["column", "other", "share"])


def tabulate_effects(
    model: RunModel, rows: pd.DataFrame, column: str, *, bins: int, is_category: bool, written: str = ""
) -> pd.DataFrame:
    """Tabulate the effect of one column; see Run.effects.

    Args:
        model: the exported model.
        rows: raw rows.
        column: the raw column.
        bins: of a number, at most; of a category, the most frequent values; of dates in text, evenly spaced quantiles.
        is_category: whether the contract declares the column as categorical.
        written: the format of the column's dates in the contract; empty for other columns.

    Returns:
        The table of Run.effects.

    Raises:
        RunError: The model takes no such column, or the column has no value, or one value, in these rows.
    """
    if column not in model.columns:
        raise RunError(f"the model takes no column {column!r}; {suggestion(column, model.columns)}")
    present = rows[column].dropna() if column in rows else pd.Series(dtype=object)
    if not len(present):
        raise RunError(f"{column} is missing in all {len(rows):,} rows: expected some rows that have a value.")
    numbers = not is_category and pd.api.types.is_numeric_dtype(rows[column].dtype)
    rows = rows.reset_index(drop=True)
    if numbers:
        return _effects_of_number(model, rows, column, bins)
    most = min(bins, _SHOWN_VALUES)
    shown = _spread_dates(present, written, most) if written else present.value_counts().head(most)
    return _effects_of_values(model, rows, column, shown)


def _effects_of_number(model: RunModel, rows: pd.DataFrame, column: str, bins: int) -> pd.DataFrame:
    has = rows[column].notna().to_numpy()
    values = rows[column][has].to_numpy(np.float64)
    edges = choose_edges(values, bins)
    positions = len(rows) + np.arange(len(edges))
    ask = model.mix(_with_cells(rows, column, [*edges, *([] if has.all() else [None])]))
    place, columns = model.columns.index(column), len(model.columns)
    tables = []
    if len(edges) > 1:
        found = accumulate_local_effects(ask, np.flatnonzero(has), place, columns, values, edges, positions)
        counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges))
        tables.append(_effect_rows(pd.Series(edges), found, counts))
    if not has.all():
        missing = average_by_value(ask, np.flatnonzero(has), place, columns, np.array([len(rows) + len(edges)]))
        tables.append(_effect_rows(pd.Series([np.nan]), missing, np.array([(~has).sum()])))
    if not tables:
        raise RunError(f"{column} is {edges[0]:g} in all rows: expected a column that varies.")
    return pd.concat(tables, ignore_index=True)


def _spread_dates(present: pd.Series, written: str, most: int) -> pd.Series:
    """Return evenly spaced quantiles of the dates, in the order of time, with their numbers of rows."""
    counts = present.value_counts()
    times = {value: moment.trend for value in counts.index if (moment := dates.parse(str(value), written))}
    ordered = present[present.isin(times)].sort_values(key=lambda column: column.map(times), kind="stable")
    if not len(ordered):
        return counts.head(most)
    places = np.linspace(0, len(ordered) - 1, most).round().astype(int)
    return counts[list(dict.fromkeys(ordered.iloc[places]))]


def _effects_of_values(model: RunModel, rows: pd.DataFrame, column: str, shown: pd.Series) -> pd.DataFrame:
    """Return the effects of values, and of a missing one; `shown` has the rows of each value."""
    missing = int(rows[column].isna().sum())
    values, counts = list(shown.index), [int(count) for count in shown]
    if missing:
        values, counts = [*values, None], [*counts, missing]
    ask = model.mix(_with_cells(rows, column, values))
    found = average_by_value(
        ask, np.arange(len(rows)), model.columns.index(column), len(model.columns), len(rows) + np.arange(len(values))
    )
    return _effect_rows(pd.Series(values, dtype=object), found, np.array(counts))


def _with_cells(rows: pd.DataFrame, column: str, cells: Sequence[Any]) -> pd.DataFrame:
    """Return the rows, followed by a copy of the first row for each cell, with the cell as the column's value."""
    added = pd.concat([rows.iloc[:1]] * len(cells), ignore_index=True)
    added[column] = pd.Series(list(cells), dtype=rows[column].dtype)
    return pd.concat([rows, added], ignore_index=True)


def _effect_rows(values: pd.Series, found: Effects, rows: np.ndarray) -> pd.DataFrame:
    outputs = found.effect.shape[1]
    names = [PREDICTION] if outputs == 1 else [f"{PREDICTION}_{number}" for number in range(outputs)]
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "value": values,
                    "output": name,
                    "effect": found.effect[:, number],
                    "low": found.low[:, number],
                    "high": found.high[:, number],
                    "rows": rows,
                }
            )
            for number, name in enumerate(names)
        ],
        ignore_index=True,
    )


def tabulate_contributions(
    model: RunModel, rows: pd.DataFrame, background: pd.DataFrame, *, orders: int, output: str | None
) -> pd.DataFrame:
    """Tabulate each raw column's contribution to each row's prediction; see Run.explain.

    Args:
        model: the exported model.
        rows: raw rows to explain.
        background: raw rows that they are compared with.
        orders: sampled for each background row.
        output: a column of the predictions; None: the largest of each row.

    Returns:
        The table of Run.explain.

    Raises:
        RunError: The model has no such output.
    """
    columns, known = model.columns, list_outputs(model(background.iloc[:1]))
    if output is not None and output not in known:
        raise RunError(f"the model has no output {output!r}; {suggestion(output, known)}")
    both = [some.reindex(columns=columns).astype(object) for some in (rows, background)]  # dtypes that agree
    table = pd.concat(both, ignore_index=True)
    found = sample_shapley_values(
        model.mix(table),
        np.arange(len(rows)),
        len(rows) + np.arange(len(background)),
        len(columns),
        orders=orders,
    )
    chosen = found.predictions.argmax(axis=1) if output is None else np.full(len(rows), known.index(output))
    each = np.arange(len(rows))
    index = pd.MultiIndex.from_product([rows.index, columns], names=["row", "column"])
    repeated = len(columns)
    return pd.DataFrame(
        {
            "value": both[0].to_numpy().ravel(),
            "contribution": found.contributions[each, :, chosen].ravel(),
            "error": found.errors[each, :, chosen].ravel(),
            "base": found.base[chosen].repeat(repeated),
            "prediction": found.predictions[each, chosen].repeat(repeated),
            "output": np.array(known)[chosen].repeat(repeated),
        },
        index=index,
    )


def find_weak_slices(
    model: RunModel,
    predicted: pd.DataFrame,
    losses: np.ndarray,
    categories: Collection[str],
    options: SearchOptions | None = None,
) -> SliceSearch:
    """Search for slices in which the loss is higher than elsewhere; see Run.weak_slices.

    Slices are of columns that the model takes, since the label may be made from another column. From more than 20,000
    rows a sample is drawn.

    Args:
        model: the exported model.
        predicted: the raw rows.
        losses: the loss of each row.
        categories: the categorical columns.
        options: limits of the search; None: the defaults.

    Returns:
        The slices that were found.
    """
    rows = predicted[[name for name in model.columns if name in predicted]].reset_index(drop=True)
    sample = sample_rows(rows, _MOST_SEARCHED_ROWS)
    return search_slices(
        sample,
        losses[sample.index.to_numpy()],
        categories=categories,
        options=options or SearchOptions(),
    )
