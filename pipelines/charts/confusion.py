"""Which class is taken for which."""

import altair as alt
import numpy as np
import pandas as pd

from pipelines.charts.theme import NOTE

_CELL = 56  # pixels of height


def confusion(actual: np.ndarray, predicted: np.ndarray, classes: tuple[str, ...]) -> alt.LayerChart:
    """Rows of each class, by the class that was predicted; shaded by their share of the class.

    Args:
        actual: class numbers, [rows].
        predicted: class numbers, [rows].
        classes: names of the classes 0, 1, …
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
