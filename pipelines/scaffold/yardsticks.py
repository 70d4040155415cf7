"""Measure simple models on a new task's rows, for comparison with its model."""

import numpy as np

from components.csv_example_gen.row_split import EVAL_SHARE
from pipelines.evaluation.measures import Measure, measures_of
from pipelines.scaffold.columns import ProfiledColumn
from pipelines.scaffold.question import Question
from pipelines.scaffold.reached import describe_reached
from pipelines.scaffold.source import Source
from pipelines.task_definition.problem import REGRESSION
from pipelines.yardstick.comparison import MOST_EVAL_ROWS, MOST_TRAIN_ROWS, predict_yardsticks
from pipelines.yardstick.models import CONSTANT

_SEED = 0  # of the split; a run splits by a hash of the rows instead, and its report measures the yardsticks again


def measure_yardsticks(source: Source, question: Question, columns: list[ProfiledColumn]) -> list[tuple[str, str]]:
    """Fit each yardstick except the constant to two thirds of the rows, and measure it on the others.

    Args:
        source: The rows as the task will read them.
        question: What is predicted.
        columns: Columns of the rows; those without a feature are not used.

    Returns:
        Name and metrics of each yardstick.
    """
    table, used = source.table, [column for column in columns if column.features]
    order = np.random.default_rng(_SEED).permutation(len(table))
    held_out = int(len(table) * EVAL_SHARE)
    others, train = order[:held_out][:MOST_EVAL_ROWS], order[held_out:][:MOST_TRAIN_ROWS]
    labels = table[question.label]
    if question.problem == REGRESSION:
        numbers = labels.to_numpy("float64")
    else:
        numbers = labels.map({value: place for place, value in enumerate(question.classes)}).to_numpy("int64")
    raw = table[[column.name for column in used]]
    found = predict_yardsticks(
        question.problem,
        len(question.classes) or 1,
        raw.iloc[train].reset_index(drop=True),
        numbers[train],
        raw.iloc[others].reset_index(drop=True),
        {column.name: column.written for column in used if column.written},
    )
    measures = measures_of(question.problem)
    return [
        (name, describe_reached(question.problem, [_compute(one, numbers[others], predictions) for one in measures]))
        for name, predictions in found.items()
        if name != CONSTANT
    ]


def _compute(measure: Measure, labels: np.ndarray, predictions: np.ndarray) -> float:
    return float(measure.compute(labels, predictions, np.ones((1, len(labels))))[0])
