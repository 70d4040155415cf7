"""Chart the errors of a regression."""

import altair as alt
import numpy as np
import pandas as pd

from pipelines.charts.theme import REFERENCE

_POINTS = 1500  # more would cover one another
_BINS = 30
_TAIL = 0.005  # share of the rows on either side that may be outside the axis, so that a few do not widen it
_ERROR = "predicted minus actual"


def plot_predicted_against_actual(labels: np.ndarray, predictions: np.ndarray) -> alt.LayerChart:
    """Return a chart with one point per row; on the dashed line the prediction is exact.

    Args:
        labels: [rows], in the label's unit.
        predictions: [rows], in the label's unit.
    """
    axis = _cover(np.r_[labels, predictions].astype(float))
    kept = np.unique(np.linspace(0, len(labels) - 1, min(len(labels), _POINTS)).round().astype(int))
    frame = pd.DataFrame({"actual": labels[kept], "predicted": predictions[kept]}).astype(float)
    low, high = axis
    line = pd.DataFrame({"actual": [low, high], "predicted": [low, high]})
    points = (
        alt.Chart(frame)
        .mark_circle(opacity=0.45, size=24, clip=True)
        .encode(
            x=alt.X("actual:Q", scale=alt.Scale(domain=axis, zero=False, nice=True)),
            y=alt.Y("predicted:Q", scale=alt.Scale(domain=axis, zero=False, nice=True)),
            tooltip=[alt.Tooltip("actual", format=".4~g"), alt.Tooltip("predicted", format=".4~g")],
        )
    )
    reference = alt.Chart(line).mark_line(style=REFERENCE).encode(x="actual:Q", y="predicted:Q")
    return (reference + points).properties(width="container")


def plot_residuals(labels: np.ndarray, predictions: np.ndarray) -> alt.LayerChart:
    """Return a chart of the distribution of prediction minus label; the outermost bars include all larger errors.

    Args:
        labels: [rows], in the label's unit.
        predictions: [rows], in the label's unit.
    """
    errors = predictions.astype(float) - labels
    low, high = _cover(errors)
    counts, edges = np.histogram(np.clip(errors, low, high), _BINS, (low, high))
    frame = pd.DataFrame({"from": edges[:-1], "to": edges[1:], "rows": counts})
    bars = (
        alt.Chart(frame)
        .mark_bar(opacity=0.7, binSpacing=0)
        .encode(
            x=alt.X("from:Q", title=_ERROR, bin="binned"),
            x2="to:Q",
            y=alt.Y("rows:Q"),
            tooltip=[alt.Tooltip("from", format=".3~g"), alt.Tooltip("to", format=".3~g"), "rows"],
        )
    )
    zero = alt.Chart(pd.DataFrame({_ERROR: [0]})).mark_rule(style=REFERENCE).encode(x=f"{_ERROR}:Q")
    return (bars + zero).properties(width="container")


def _cover(values: np.ndarray) -> list[float]:
    """Return the ends of an axis: of all values, or without the outermost 0.5% if those would double the range."""
    low, high = (float(end) for end in np.quantile(values, [_TAIL, 1 - _TAIL]))
    ends = [float(values.min()), float(values.max())]
    return ends if ends[1] - ends[0] <= 2 * (high - low) or high <= low else [low, high]
