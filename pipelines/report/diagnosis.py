"""Explain the model's predictions: importance and effects of columns, weak slices, and the rows with the worst loss."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipelines import charts
from pipelines.error_analysis.worst_slices import SearchOptions
from pipelines.evaluation.row_losses import name_row_loss
from pipelines.evaluation.slices import OVERALL
from pipelines.nodes import EVAL
from pipelines.report.dates import to_dates
from pipelines.report.numbers import format_change, format_number, format_signed
from pipelines.report.vega import Figure, make_figure
from pipelines.runs import Run, explanations
from pipelines.runs.model import PREDICTION, RunModel
from pipelines.task_definition.problem import BINARY, MULTICLASS
from pipelines.task_definition.task import Task

_LABEL = "label"
_ASKED = 60_000  # predictions of permuted rows: they take the taxi model about half a second
_ROWS = (200, 1_000)  # of the sample, at least and at most
_PERMUTATIONS, _MANY_COLUMNS = 3, 60  # with more columns, each is permuted once
_SHOWN_COLUMNS, _SHOWN_EFFECTS, _SHOWN_PER_SLICE = 15, 6, 3
_MOST_ROWS = 20_000  # eval rows to predict; of more, every n-th is taken
_ROUNDING = 1e-9  # share of the loss; a smaller importance is rounding: no prediction depends on the column
_WORST, _REASONS, _BACKGROUND = 6, 5, 50


def describe_diagnosis(run: Run) -> dict[str, Any]:
    """Return the content of the section: importance, effects, worst rows with contributions, and weak slices.

    Args:
        run: The run to report on.

    Raises:
        RunError: The run has no model, or the Evaluator did not finish.
    """
    model, task = run.model(), run.task_record
    every = max(1, -(-run.summary["rows"].get(EVAL, 0) // _MOST_ROWS))
    predicted = run.eval_predictions(every)
    categories = explanations.list_categories(run.schema)
    permutations = 1 if len(model.columns) > _MANY_COLUMNS else _PERMUTATIONS
    count = int(np.clip(_ASKED // (permutations * max(len(model.columns), 1)), *_ROWS))
    sample = explanations.sample_rows(predicted, count)
    importance = explanations.tabulate_importance(model, sample, task.problem, run.slices(), permutations)
    overall = importance[importance["slice"] == OVERALL]
    changed = overall[["importance", "high"]].abs().max(axis=1) > _ROUNDING * overall["loss"].abs()
    read = overall[changed]
    constant = {name for name in overall["column"] if _has_one_value(sample, name)}
    losses = explanations.measure_losses(task.problem, predicted)
    return {
        "loss": name_row_loss(task.problem),
        "rows": len(predicted),
        "every": every,
        "sample": len(sample),
        "permutations": permutations,
        "importance": _plot_importance(read, name_row_loss(task.problem)) if len(read) else None,
        "less": max(len(read) - _SHOWN_COLUMNS, 0),
        "constant": sorted(constant),
        "unread": [name for name in overall["column"][~changed] if name not in constant],
        "associations": explanations.tabulate_associations(sample, model.columns, categories).to_dict("records"),
        "by_slice": _describe_slices(importance),
        "effects": _plot_effects(model, sample, read, categories, explanations.list_date_formats(run.schema), task),
        "unit": _name_unit(task),
        "background": min(_BACKGROUND, len(predicted)),
        "worst": _describe_worst(model, predicted, losses, task),
        **_describe_weak_slices(model, predicted, losses, categories),
    }


def _has_one_value(rows: pd.DataFrame, column: str) -> bool:
    return column not in rows or rows[column].nunique(dropna=False) < 2


def _plot_importance(overall: pd.DataFrame, loss: str) -> Figure:
    shown = overall.head(_SHOWN_COLUMNS)
    caption = "Increase of the loss when a column's values are permuted among the rows, with 95% intervals."
    return make_figure("Importance", charts.plot_importance(shown, loss), caption)


def _describe_slices(importance: pd.DataFrame) -> list[dict[str, Any]]:
    found = []
    for words, one in importance[importance["slice"] != OVERALL].groupby("slice", sort=False):
        clear = one[one["low"] > 0].head(_SHOWN_PER_SLICE)
        columns = [f"{row.column} +{format_number(row.importance)}" for row in clear.itertuples()]
        found.append(
            {"slice": words, "rows": one["rows"].iloc[0], "loss": one["loss"].iloc[0], "columns": ", ".join(columns)}
        )
    return found


def _plot_effects(
    model: RunModel,
    sample: pd.DataFrame,
    read: pd.DataFrame,
    categories: set[str],
    formats: Mapping[str, str],
    task: Task,
) -> list[dict[str, Any]]:
    found = []
    for column in read["column"].head(_SHOWN_EFFECTS):
        if sample[column].nunique() < 2:
            continue
        table = explanations.tabulate_effects(
            model, sample, column, bins=20, is_category=column in categories, written=formats.get(column, "")
        )
        table["output"] = table["output"].map(lambda name: _name_output(name, task))
        if column in formats:
            table["value"] = to_dates(table["value"], formats[column])
        chart = charts.plot_effect(table, column)
        missing = table[table["value"].isna()]
        found.append(
            {
                "column": column,
                "figure": make_figure(f"Effect of {column}", chart),
                "missing": [dataclasses.asdict(one) for one in _describe_missing(missing)],
            }
        )
    return found


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Missing:
    """Effect of a missing value on the prediction."""

    output: str  # a class; empty if the model has one output
    effect: float
    rows: int  # without a value


def _describe_missing(table: pd.DataFrame) -> list[_Missing]:
    several = len(table) > 1
    return [
        _Missing(output=row.output if several else "", effect=float(row.effect), rows=int(row.rows))
        for row in table.itertuples()
    ]


def _describe_worst(model: RunModel, predicted: pd.DataFrame, losses: np.ndarray, task: Task) -> list[dict[str, Any]]:
    """Describe the rows with the largest loss: label, prediction, largest contributions, and all raw values."""
    order = np.argsort(-losses, kind="stable")[:_WORST]
    worst = predicted.iloc[order]
    background = explanations.sample_rows(predicted, _BACKGROUND)
    explained = explanations.tabulate_contributions(model, worst, background, orders=1, output=None)
    outputs = [*explanations.list_outputs(predicted), _LABEL]
    found = []
    for (number, row), loss in zip(worst.iterrows(), losses[order], strict=True):
        one = explained.loc[number]
        first = one.iloc[0]
        largest = one.loc[one["contribution"].abs().nlargest(_REASONS).index]
        others = one["contribution"].sum() - largest["contribution"].sum()
        found.append(
            {
                "row": number,
                "label": _name_label(row[_LABEL], task),
                "output": _name_output(first["output"], task),
                "prediction": first["prediction"],
                "base": first["base"],
                "loss": loss,
                "reasons": [
                    {
                        "column": column,
                        "value": format_cell(one["value"]),
                        "contribution": format_amount(one["contribution"], task),
                    }
                    for column, one in largest.iterrows()
                ],
                "others": format_amount(others, task) if len(one) > len(largest) else None,
                "values": [(name, format_cell(cell)) for name, cell in row.drop(outputs).items()],
            }
        )
    return found


def _describe_weak_slices(
    model: RunModel, predicted: pd.DataFrame, losses: np.ndarray, categories: Sequence[str] | set[str]
) -> dict[str, Any]:
    search = explanations.find_weak_slices(model, predicted, losses, categories)
    return {"weak": search.found.to_dict("records"), "search": search, "min_rows": SearchOptions().min_rows}


def _name_unit(task: Task) -> str:
    if task.problem == MULTICLASS:
        return "the probability of a class"
    return f"the probability of “{(task.classes or ('0', '1'))[-1]}”" if task.problem == BINARY else "the label's unit"


def _name_output(name: str, task: Task) -> str:
    """Return the class whose probability an output is; of a regression's output, an empty string."""
    number = name.removeprefix(f"{PREDICTION}_")
    if number.isdecimal():
        return task.classes[int(number)] if task.classes else number
    return (task.classes or ("0", "1"))[-1] if task.problem == BINARY else ""


def _name_label(label: float, task: Task) -> str:
    if task.problem not in (BINARY, MULTICLASS):
        return format_number(label)
    return task.classes[int(label)] if task.classes else str(int(label))


def format_amount(amount: float, task: Task) -> str:
    """Format a contribution: probabilities with four decimals, other units with four significant digits."""
    if task.problem in (BINARY, MULTICLASS):
        return format_change(amount)
    return format_signed(amount)


def format_cell(cell: Any) -> str:
    """Return a raw value as text: floats with six significant digits, and "missing" for a missing value.

    Example:
        >>> format_cell(0.123456789), format_cell(7), format_cell(None), format_cell(["a", None])
        ('0.123457', '7', 'missing', 'a, missing')
    """
    if isinstance(cell, list):
        return ", ".join(format_cell(one) for one in cell)
    if pd.isna(cell):
        return "missing"
    return f"{cell:.6g}" if isinstance(cell, float | np.floating) else str(cell)
