"""Tables, scores and plots that depend on the kind of problem: two classes, several classes, or a number."""

from collections.abc import Mapping

import altair as alt
import numpy as np
import pandas as pd

from pipelines import charts
from pipelines.deployment import decision_threshold
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION
from pipelines.task_definition.task import Task

Predictions = Mapping[str, np.ndarray]  # name of a model -> [rows], or [rows, classes] for several classes

SLICE_METRIC = {
    BINARY: "binary_crossentropy",
    MULTICLASS: "sparse_categorical_crossentropy",
    REGRESSION: "mean_squared_error",
}  # the metric that compares slices: every row counts in it, and it is always defined
_WIDTH, _HEIGHT = 230, 230  # pixels of a chart
_CELLS = 620  # pixels that the confusion matrices of all models share
_LARGE_GAP = 0.2  # of two probabilities
_LARGE_SPREAD = 0.5  # of two predicted numbers, in standard deviations of the label
_EITHER, _EVEN = " and ", "even"


def name_classes(task: Task, classes: int) -> tuple[str, ...]:
    """Name the classes: as the task does, or by their numbers."""
    return task.classes or tuple(map(str, range(classes)))


def view_labels(labels: np.ndarray, task: Task) -> dict[str, np.ndarray]:
    """Return numbers whose mean describes the labels: name of the mean -> float64 [rows].

    For two classes the mean is the share of the second, for several the share of each, for a number its mean.

    Args:
        labels: 0 or 1, class numbers, or the number itself, [rows].
        task: whose labels they are.
    """
    if task.problem == REGRESSION:
        return {f"mean {task.label}": labels.astype(np.float64)}
    if task.problem == BINARY:
        return {f"share of {task.label}": labels.astype(np.float64)}
    names = name_classes(task, int(labels.max()) + 1)
    return {f"share of {name}": (labels == number).astype(np.float64) for number, name in enumerate(names)}


def score_rows(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return one score for each row: the prediction, or with several classes the probability of the right class.

    Args:
        labels: [rows].
        predictions: [rows] or [rows, classes].
    """
    if predictions.ndim == 1:
        return predictions.astype(np.float64)
    return np.take_along_axis(predictions, labels.astype(np.int64)[:, None], axis=1)[:, 0].astype(np.float64)


def name_score(task: Task) -> str:
    """Name what `score_rows` returns."""
    words = {BINARY: f"probability of {task.label}", MULTICLASS: "probability of the right class"}
    return words.get(task.problem, f"predicted {task.label}")


def large_gap(labels: np.ndarray, task: Task) -> float:
    """Return the difference above which two scores of a row are far apart.

    It is 0.2 for probabilities, and half a standard deviation of the labels for a number.
    """
    return _LARGE_SPREAD * float(np.std(labels)) if task.problem == REGRESSION else _LARGE_GAP


def plot_models(labels: np.ndarray, models: Predictions, task: Task) -> alt.HConcatChart:
    """Plot the models next to each other: curves, confusion matrices, or predicted against actual numbers.

    Args:
        labels: [rows].
        models: model -> its predictions.
        task: the task of the labels.

    Returns:
        The charts in one row.
    """
    if task.problem == BINARY:
        plots = {
            "ROC": charts.plot_roc(labels, models),
            "Precision and recall": charts.plot_precision_recall(labels, models),
            "Calibration": charts.plot_reliability(labels, models),
        }
        return alt.hconcat(*(_size(plot, title, _WIDTH) for title, plot in plots.items()))
    if task.problem == MULTICLASS:
        classes = name_classes(task, next(iter(models.values())).shape[1])
        confusions = {name: charts.plot_confusion(labels, of.argmax(axis=1), classes) for name, of in models.items()}
        return alt.hconcat(*(_size(plot, name, _CELLS // len(models)) for name, plot in confusions.items()))
    numbers = labels.astype(np.float64)
    against = {name: charts.plot_predicted_against_actual(numbers, of.astype(float)) for name, of in models.items()}
    return alt.hconcat(*(_size(plot, name, _WIDTH) for name, plot in against.items()))


def tabulate_decisions(labels: np.ndarray, models: Predictions, task: Task) -> pd.DataFrame:
    """Count rows by each model's decision and by which models are right; for a number, by the nearer prediction.

    Two classes are decided with the gateway's threshold, several by the highest probability.

    Args:
        labels: [rows].
        models: model -> its predictions.
        task: the task of the labels.

    Returns:
        One row per combination with its number of rows. Columns: the models, label, rows and right; for a number,
        nearer and rows.
    """
    if task.problem == REGRESSION:
        errors = pd.DataFrame({name: np.abs(of.astype(np.float64) - labels) for name, of in models.items()})
        nearest = errors.idxmin(axis=1).where(errors.nunique(axis=1) > 1, _EVEN)
        counts = nearest.value_counts()
        return pd.DataFrame({"nearer": counts.index, "rows": counts.to_numpy()})
    decided = {name: _decide(of, task) for name, of in models.items()}
    said = pd.DataFrame({**decided, "label": _name_labels(labels.astype(int), task)})
    table = said.value_counts().rename("rows").reset_index()
    right = [
        _EITHER.join(name for name in models if row[name] == row["label"]) or "neither" for _, row in table.iterrows()
    ]
    return table.assign(right=right)


def _decide(predictions: np.ndarray, task: Task) -> np.ndarray:
    if predictions.ndim == 1:
        return _name_labels((predictions >= decision_threshold(task.name)).astype(int), task)
    return _name_labels(predictions.argmax(axis=1), task)


def _name_labels(numbers: np.ndarray, task: Task) -> np.ndarray:
    return np.array(name_classes(task, max(int(numbers.max(initial=1)) + 1, 2)), dtype=object)[numbers]


def _size(plot: alt.LayerChart, title: str, width: int) -> alt.LayerChart:
    return plot.properties(width=width, height=_HEIGHT, title=title)
