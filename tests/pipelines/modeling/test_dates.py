"""Dates in a graph and in Python: both read the same, and the calendar of the standard library agrees."""

import datetime
import math

import numpy as np
import pytest
import tensorflow as tf

from pipelines.modeling import dates as graph
from serving.contract import dates

WRITTEN = [
    ("2024-04-12", "%Y-%m-%d", "2024-04-12T00:00:00+00:00"),
    ("4/12/2024", "%m/%d/%Y", "2024-04-12T00:00:00+00:00"),
    ("12.4.2024", "%d.%m.%Y", "2024-04-12T00:00:00+00:00"),
    ("08.09.2026 18:34", "%d.%m.%Y %H:%M", "2026-09-08T18:34:00+00:00"),
    ("2024-04", "%Y-%m", "2024-04-01T00:00:00+00:00"),
    ("04:05", "%H:%M", "1970-01-01T04:05:00+00:00"),
    ("2024-02-29T23:59:58.123Z", "%Y-%m-%dT%H:%M:%S%z", "2024-02-29T23:59:58+00:00"),
    ("2024-02-29 23:59:58+05:30", "%Y-%m-%dT%H:%M:%S%z", "2024-02-29T23:59:58+05:30"),
    ("2024-02-29T00:30:00-0800", "%Y-%m-%dT%H:%M:%S%z", "2024-02-29T00:30:00-08:00"),
    ("2024-04-12 18:34:00+00", "%Y-%m-%d %H:%M:%S%z", "2024-04-12T18:34:00+00:00"),
    ("2024-04-12 18:34:00.5-03", "%Y-%m-%d %H:%M:%S%z", "2024-04-12T18:34:00-03:00"),
    ("1/2/1999 12:05 AM", "%m/%d/%Y %I:%M %p", "1999-01-02T00:05:00+00:00"),
    ("1/2/1999 12:05 pm", "%m/%d/%Y %I:%M %p", "1999-01-02T12:05:00+00:00"),
    ("5 Sept. 1900", "%d %b %Y", "1900-09-05T00:00:00+00:00"),
    ("MAY 31, 2100", "%b %d, %Y", "2100-05-31T00:00:00+00:00"),
    ("20000229", "%Y%m%d", "2000-02-29T00:00:00+00:00"),
    (" 1969-12-31 ", "%Y-%m-%d", "1969-12-31T00:00:00+00:00"),
    ("1437057900", dates.EPOCH_SECONDS, "2015-07-16T14:45:00+00:00"),
    ("1437057900999", dates.EPOCH_MILLISECONDS, "2015-07-16T14:45:00+00:00"),
    ("-43200", dates.EPOCH_SECONDS, "1969-12-31T12:00:00+00:00"),
]
NOT_WRITTEN = [
    ("", "%Y-%m-%d"), ("2024-13-01", "%Y-%m-%d"), ("2024-02-30", "%Y-%m-%d"), ("2023-02-29", "%Y-%m-%d"),
    ("1900-02-29", "%Y-%m-%d"), ("12/04/2024", "%Y-%m-%d"), ("2024-04-12x", "%Y-%m-%d"), ("2024-04-31", "%Y-%m-%d"),
    ("24:00", "%H:%M"), ("2024-04-12", "%d.%m.%Y"), ("5 Mux 1900", "%d %b %Y"), ("٢٠٢٤-04-12", "%Y-%m-%d"),
    ("2024-04-12\n", "%Y-%m-%d"), ("3 ſep 2020", "%d %b %Y"), ("3 Mayonnaise 2020", "%d %b %Y"), ("", "%d %b %Y"),
    ("3 Janember 2020", "%d %b %Y"),
]  # fmt: skip


def tensor(text: str, written: str) -> tf.Tensor:
    return tf.constant([[int(text)]] if written in dates.EPOCHS else [[text]])


@pytest.mark.parametrize(("text", "written", "iso"), WRITTEN)
def test_both_read_what_the_standard_library_means(text: str, written: str, iso: str) -> None:
    meant = datetime.datetime.fromisoformat(iso)
    offset = meant.utcoffset()
    assert offset is not None
    day = (meant.date() - datetime.date(1970, 1, 1)).days
    second = 3600 * meant.hour + 60 * meant.minute + meant.second
    moment = dates.parse(text, written)
    assert moment == dates.Moment(day, second, int(offset.total_seconds()))
    assert moment.trend == meant.timestamp() / 86400
    assert moment.date == meant.date()
    moments = graph.read_moments(tensor(text, written), written)
    read = {part: compute(moments).numpy() for part, compute in graph.PARTS.items()}
    assert {(value.shape, value.dtype.name) for value in read.values()} == {((1, 1), "float64")}
    assert {part: value.item() for part, value in read.items()} == {
        graph.TREND: meant.timestamp() / 86400,
        graph.WEEKDAY: meant.weekday(),
        graph.MONTH: meant.month,
        graph.HOUR: meant.hour,
        graph.MINUTES: 60 * meant.hour + meant.minute + meant.second / 60,
        graph.MONTH_SIN: math.sin(2 * math.pi * (meant.month - 1) / 12),
        graph.MONTH_COS: math.cos(2 * math.pi * (meant.month - 1) / 12),
        graph.HOUR_SIN: math.sin(2 * math.pi * meant.hour / 24),
        graph.HOUR_COS: math.cos(2 * math.pi * meant.hour / 24),
    }


@pytest.mark.parametrize("month", range(1, 13))
def test_a_month_in_full_or_in_short(month: int) -> None:
    full = f"{datetime.date(2020, month, 1):%B}"
    for name in (full, full[:3], full.upper(), f"{full[:3].lower()}.", *(["Sept."] if month == 9 else [])):
        moment = dates.parse(f"3 {name} 2020", "%d %b %Y")
        assert moment is not None
        assert moment.date == datetime.date(2020, month, 3)
        assert graph.read_moments(tf.constant([[f"3 {name} 2020"]]), "%d %b %Y").part(graph.MONTH).numpy() == [[month]]


@pytest.mark.parametrize(("text", "written"), NOT_WRITTEN)
def test_both_refuse_the_same(text: str, written: str) -> None:
    assert dates.parse(text, written) is None
    moments = graph.read_moments(tensor(text, written), written)
    assert all(np.isnan(compute(moments).numpy()).all() for compute in graph.PARTS.values())


def test_one_that_cannot_be_read_is_its_own_rows_trouble() -> None:
    moments = graph.read_moments(tf.constant([["2024-04-12"], ["soon"], ["2024-04-14"]]), "%Y-%m-%d")
    assert np.isnan(moments.part(graph.WEEKDAY).numpy()).tolist() == [[False], [True], [False]]
    assert moments.part(graph.WEEKDAY).numpy()[[0, 2], 0].tolist() == [4, 6]


def test_a_row_without_a_date_has_none() -> None:
    # 0, which stands there in a dense tensor, is the first second of 1970.
    moments = graph.read_moments(tf.constant([0, 86400]), dates.EPOCH_SECONDS).where(tf.constant([False, True]))
    assert np.isnan(moments.part(graph.TREND).numpy()).tolist() == [True, False]
    assert moments.part(graph.TREND).numpy()[1] == 1.0


def test_every_day_of_four_centuries() -> None:
    days = [datetime.date(1899, 12, 31) + datetime.timedelta(days=step) for step in range(0, 146100, 7)]
    moments = graph.read_moments(tf.constant([f"{day:%Y-%m-%d}" for day in days]), "%Y-%m-%d")
    assert moments.day.numpy().tolist() == [(day - datetime.date(1970, 1, 1)).days for day in days]
    assert moments.part(graph.MONTH).numpy().tolist() == [day.month for day in days]
    assert moments.part(graph.WEEKDAY).numpy().tolist() == [day.weekday() for day in days]
