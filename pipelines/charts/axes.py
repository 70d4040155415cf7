"""Choose how an axis shows its numbers or its points in time."""

import altair as alt
import numpy as np
import pandas as pd

from pipelines.charts.years import are_years

_TICKS = 4
_LONG = 100_000
# An axis of at least so many days -> the format of its dates.
_FORMATS = ((4 * 365, "%Y"), (90, "%Y-%m"), (3, "%Y-%m-%d"), (0, "%m-%d %H:%M"))


def make_number_axis(values: np.ndarray) -> alt.Axis:
    """Return an axis that shows large numbers as 1.41G, since in full they would overlap, and years as 1905.

    Args:
        values: What the axis shows, float64.
    """
    if are_years(values):
        return alt.Axis(tickCount=_TICKS, format="d")
    large = len(values) > 0 and np.nanmax(np.abs(values)) >= _LONG
    return alt.Axis(tickCount=_TICKS, format=".4~s" if large else alt.Undefined)


def make_date_axis(moments: pd.Series) -> alt.Axis:
    """Return an axis that shows years, months, days or hours, by the length of time.

    Args:
        moments: What the axis shows, datetime64.
    """
    days = (moments.max() - moments.min()) / pd.Timedelta(days=1)
    written = next(written for least, written in _FORMATS if not days < least)
    return alt.Axis(tickCount=_TICKS, format=written, labelOverlap=True)
