"""Chart classifiers: ranking, calibration, and confusion of classes."""

from collections.abc import Mapping

import altair as alt
import numpy as np
import pandas as pd

from pipelines.charts.theme import NOTE, REFERENCE

Predictions = Mapping[str, np.ndarray]  # name of a model -> probabilities, [rows]

_POINTS = 200  # of a curve: more are indistinguishable on a screen
_Z = 1.96  # standard errors on either side of a 95% interval
_UNIT = alt.Scale(domain=(0, 1))
_CELL = 56  # height of a confusion matrix's cell, in pixels


def plot_roc(labels: np.ndarray, predictions: Predictions) -> alt.LayerChart:
    """Return a chart of the true positive rate against the false positive rate at every threshold.

    Args:
        labels: 0 or 1, [rows].
        predictions: Probabilities of one or more models.
    """
    frames = []
    for model, of_model in predictions.items():
        hits, misses, thresholds = _count_from_highest(labels, of_model)
        frame = {"false positives": misses / max(misses[-1], 1), "true positives": hits / max(hits[-1], 1)}
        frames.append(_thin_out(pd.DataFrame({"model": model, **frame, "threshold": thresholds})))
    x, y = "false positives", "true positives"
    return _plot_curve(frames, x, y) + _plot_reference(pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0]}), x, y)


def plot_precision_recall(labels: np.ndarray, predictions: Predictions) -> alt.LayerChart:
    """Return a chart of precision against recall at every threshold, with the precision of random guessing.

    Args:
        labels: 0 or 1, [rows].
        predictions: Probabilities of one or more models.
    """
    frames = []
    for model, of_model in predictions.items():
        hits, misses, thresholds = (values[1:] for values in _count_from_highest(labels, of_model))
        frame = {"recall": hits / max(hits[-1], 1), "precision": hits / (hits + misses)}
        frames.append(_thin_out(pd.DataFrame({"model": model, **frame, "threshold": thresholds})))
    share = float(np.mean(labels > 0))
    guess = pd.DataFrame({"x": [0.0, 1.0], "y": [share, share]})
    return _plot_curve(frames, "recall", "precision") + _plot_reference(guess, "recall", "precision")


def plot_reliability(labels: np.ndarray, predictions: Predictions, bins: int = 10) -> alt.LayerChart:
    """Return a chart of the share of positive rows by mean prediction, in quantile bins with 95% Wilson intervals.

    Args:
        labels: 0 or 1, [rows].
        predictions: Probabilities of one or more models.
        bins: Number of bins, at most; equal predictions are in the same bin.
    """
    frame = pd.concat(
        [_make_reliability_frame(labels, of_model, bins, model) for model, of_model in predictions.items()]
    )
    x, y = "mean prediction", "share of positive rows"
    base = alt.Chart(frame).encode(
        x=alt.X("predicted:Q", title=x, scale=_UNIT),
        color=alt.Color("model:N", sort=list(predictions), legend=_make_legend(frame)),
    )
    tooltip = ["model", alt.Tooltip("predicted", format=".3f"), alt.Tooltip("share", format=".3f"), "rows"]
    points = base.mark_point(filled=True, size=50, opacity=1).encode(
        y=alt.Y("share:Q", title=y, scale=_UNIT), tooltip=tooltip
    )
    lines = base.mark_line(opacity=0.5).encode(y=alt.Y("share:Q", title=y))
    spread = base.mark_rule().encode(y=alt.Y("low:Q", title=y), y2="high:Q")
    return _plot_reference(pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0]}), x, y) + lines + spread + points


def plot_scores(labels: np.ndarray, predictions: np.ndarray, names: tuple[str, ...] = ("0", "1")) -> alt.Chart:
    """Return a chart of the distribution of the predictions, for negative and for positive rows.

    Args:
        labels: 0 or 1, [rows].
        predictions: Probabilities, [rows].
        names: Names of the two labels.
    """
    edges = np.linspace(0, 1, 26)
    frames = []
    for label, name in enumerate(names):
        counts, _ = np.histogram(predictions[(labels > 0) == bool(label)], edges)
        frames.append(pd.DataFrame({"label": name, "from": edges[:-1], "to": edges[1:], "rows": counts}))
    return (
        alt.Chart(pd.concat(frames))
        .mark_bar(opacity=0.6, binSpacing=0)
        .encode(
            x=alt.X("from:Q", title="prediction", scale=_UNIT, bin="binned"),
            x2="to:Q",
            y=alt.Y("rows:Q", title="rows, √ scale", stack=None, scale=alt.Scale(type="sqrt")),
            color=alt.Color("label:N", sort=list(names)),
            tooltip=["label", alt.Tooltip("from", format=".2f"), alt.Tooltip("to", format=".2f"), "rows"],
        )
        .properties(width="container")
    )


def plot_confusion(actual: np.ndarray, predicted: np.ndarray, classes: tuple[str, ...]) -> alt.LayerChart:
    """Return a chart of the confusion matrix: rows by actual and predicted class, shaded by share of the actual class.

    Args:
        actual: Class numbers, [rows].
        predicted: Class numbers, [rows].
        classes: Names of the classes 0, 1, …
    """
    counts = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(counts, (actual.astype(int), predicted.astype(int)), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cells = [
        {"actual": row, "predicted": column, "rows": int(counts[i, j]), "share": float(shares[i, j])}
        for i, row in enumerate(classes)
        for j, column in enumerate(classes)
    ]
    order = list(classes)
    base = alt.Chart(pd.DataFrame(cells)).encode(
        x=alt.X("predicted:N", sort=order, title="predicted", axis=alt.Axis(labelAngle=0, orient="top")),
        y=alt.Y("actual:N", sort=order, title="actual"),
        tooltip=["actual", "predicted", "rows", alt.Tooltip("share", title="share of the class", format=".1%")],
    )
    shade = base.mark_rect().encode(color=alt.Color("share:Q", scale=alt.Scale(domain=(0, 1)), legend=None))
    words = "format(datum.rows, ',')" + (" + ' · ' + format(datum.share, '.1%')" if len(classes) < 4 else "")
    text = base.transform_calculate(words=words).mark_text(style=NOTE).encode(text="words:N")
    return (shade + text).properties(width="container", height=_CELL * len(classes))


def _count_from_highest(labels: np.ndarray, predictions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the counts of positive and of negative rows at or above each distinct prediction, and the predictions."""
    order = np.argsort(-predictions, kind="stable")
    ranked, positive = predictions[order], labels[order] > 0
    last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    hits, misses = np.cumsum(positive)[last], np.cumsum(~positive)[last]
    return np.r_[0, hits], np.r_[0, misses], np.r_[max(1.0, float(ranked[0])), ranked[last]]


def _make_reliability_frame(labels: np.ndarray, predictions: np.ndarray, bins: int, model: str) -> pd.DataFrame:
    edges = np.unique(np.quantile(predictions, np.linspace(0, 1, bins + 1)))
    binned = np.clip(np.searchsorted(edges, predictions, side="right") - 1, 0, max(len(edges) - 2, 0))
    groups = pd.DataFrame({"bin": binned, "predicted": predictions, "share": labels > 0}).groupby("bin")
    frame = groups.agg(predicted=("predicted", "mean"), share=("share", "mean"), rows=("share", "size")).reset_index()
    rows, share = frame["rows"], frame["share"]
    middle = (share + _Z**2 / (2 * rows)) / (1 + _Z**2 / rows)
    half = _Z * np.sqrt(share * (1 - share) / rows + _Z**2 / (4 * rows**2)) / (1 + _Z**2 / rows)
    return frame.assign(low=middle - half, high=middle + half, model=model)


def _thin_out(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep _POINTS points of a curve, including the first and the last."""
    kept = np.unique(np.linspace(0, len(frame) - 1, min(len(frame), _POINTS)).round().astype(int))
    return frame.iloc[kept]


def _plot_curve(frames: list[pd.DataFrame], x: str, y: str) -> alt.Chart:
    frame = pd.concat(frames).assign(order=lambda rows: np.arange(len(rows)))
    tooltip = ["model", *(alt.Tooltip(f"{name}:Q", format=".3f") for name in (x, y, "threshold"))]
    return (
        alt.Chart(frame)
        .mark_line()
        .encode(
            x=alt.X(f"{x}:Q", scale=_UNIT),
            y=alt.Y(f"{y}:Q", scale=_UNIT),
            color=alt.Color("model:N", sort=None, legend=_make_legend(frame)),
            order="order:Q",
            tooltip=tooltip,
        )
        .properties(width="container")
    )


def _make_legend(frame: pd.DataFrame) -> alt.Legend | None:
    return alt.Legend() if frame["model"].nunique() > 1 else None


def _plot_reference(points: pd.DataFrame, x: str, y: str) -> alt.Chart:
    axes = {"x": alt.X("x:Q", title=x, scale=_UNIT), "y": alt.Y("y:Q", title=y, scale=_UNIT)}
    return alt.Chart(points).mark_line(style=REFERENCE).encode(**axes).properties(width="container")
