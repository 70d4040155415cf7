"""Convert columns of dates, and their statistics, into points in time for charts."""

import datetime

import pandas as pd
from tensorflow_metadata.proto.v0 import statistics_pb2

from serving.contract import dates

_EPOCH = datetime.datetime(1970, 1, 1)
_DAY = 86_400  # seconds
_MOST_UNCOUNTED = 0.01  # share of the rows whose dates TFDV may leave out of its list of values


def to_dates(column: pd.Series, written: str) -> pd.Series:
    """Return the column's dates as datetime64, in local calendar and clock time; NaT where there is none.

    Args:
        column: Texts, or whole numbers since 1970.
        written: The format of the column's dates.

    Example:
        >>> to_dates(pd.Series(["16.07.2015", None]), "%d.%m.%Y").dt.year.tolist()
        [2015.0, nan]
    """
    found = {value: _parse(value, written) for value in column.dropna().unique()}
    return pd.to_datetime(column.map(found), errors="coerce").astype("datetime64[s]")


def _parse(value: object, written: str) -> datetime.datetime | None:
    moment = dates.parse(str(int(value)) if isinstance(value, float) else str(value), written)
    return None if moment is None else _EPOCH + datetime.timedelta(days=moment.day, seconds=moment.second)


def to_day_statistics(
    statistics: statistics_pb2.FeatureNameStatistics, written: str
) -> statistics_pb2.FeatureNameStatistics | None:
    """Return statistics of the days since 1970, with a histogram only.

    Args:
        statistics: TFDV's statistics of the column.
        written: The format of the column's dates.

    Returns:
        The statistics; None if they do not count (nearly) all dates.
    """
    found = statistics_pb2.FeatureNameStatistics()
    histogram = found.num_stats.histograms.add(type=statistics_pb2.Histogram.QUANTILES)
    if written in dates.EPOCHS:
        unit = _DAY * dates.EPOCHS[written]
        for one in statistics.num_stats.histograms:
            if one.type == statistics_pb2.Histogram.QUANTILES:
                for bucket in one.buckets:
                    histogram.buckets.add(
                        low_value=bucket.low_value / unit,
                        high_value=bucket.high_value / unit,
                        sample_count=bucket.sample_count,
                    )
        return found if histogram.buckets else None
    counted = [
        (dates.parse(one.label, written), one.sample_count) for one in statistics.string_stats.rank_histogram.buckets
    ]
    by_day = sorted((moment.day, count) for moment, count in counted if moment)
    present = statistics.string_stats.common_stats.num_non_missing
    if not by_day or sum(count for _, count in by_day) < (1 - _MOST_UNCOUNTED) * present:
        return None
    for day, count in by_day:
        histogram.buckets.add(low_value=day - 1, high_value=day, sample_count=count)
    return found
