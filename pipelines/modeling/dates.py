"""Read dates and times in a TensorFlow graph, and split them into numbers that a model can learn from.

Formats and regular expressions come from serving.contract.dates, so the graph reads what a client's check accepts.
All arithmetic is on whole numbers in float64, and exact in every batch size. Sine and cosine come from tables.
"""

import dataclasses
import math
from collections.abc import Callable

import tensorflow as tf

from serving.contract import dates

# The parts of a date; PARTS holds how each is computed.
TREND, WEEKDAY, MONTH, HOUR, MINUTES = "trend", "weekday", "month", "hour", "minutes"
MONTH_SIN, MONTH_COS, HOUR_SIN, HOUR_COS = "month_sin", "month_cos", "hour_sin", "hour_cos"
_READABLE = "1970-01-01"  # replaces a text that cannot be read


@dataclasses.dataclass(frozen=True)
class Moments:
    """Points in time: float64 tensors in the shape of the texts, NaN where a text could not be read."""

    day: tf.Tensor  # days since 1970-01-01, in local time
    second: tf.Tensor  # seconds since midnight, in local time
    offset: tf.Tensor  # seconds by which local time is ahead of UTC

    def where(self, present: tf.Tensor) -> "Moments":
        """Return the same points with NaN in the rows without a date; `present` is bool."""
        nothing = tf.where(present, tf.zeros_like(self.day), tf.constant(float("nan"), tf.float64))
        return Moments(self.day + nothing, self.second + nothing, self.offset + nothing)

    def part(self, name: str) -> tf.Tensor:
        """Return a part of each point, float64.

        Raises:
            KeyError: PARTS has no such part.
        """
        return PARTS[name](self)


def read_moments(texts: tf.Tensor, written: str) -> Moments:
    """Return the points in time of texts, or of whole numbers since 1970.

    Args:
        texts: string or int64.
        written: the format; see serving.contract.dates.
    """
    if written in dates.EPOCHS:
        seconds = tf.cast(tf.math.floordiv(texts, dates.EPOCHS[written]), tf.float64)
        day = tf.floor(seconds / 86400)
        return Moments(day, seconds - 86400 * day, tf.zeros_like(day))
    if texts.dtype != tf.string:
        texts = tf.strings.as_string(texts)
    pattern = f"^{dates.regex(written)}$"
    matches = tf.strings.regex_full_match(texts, pattern)
    groups = {
        group: tf.strings.regex_replace(texts, pattern, rf"\{place}", replace_global=False)
        for place, group in enumerate(dates.groups(written), start=1)
    }
    fields = _Fields(groups, matches)
    year, day = fields.number("%Y", 1970), fields.number("%d", 1)
    month = fields.month_name() if "%b" in groups else fields.number("%m", 1)
    first = _days_since_1970(year, month)
    year_after, month_after = (
        tf.where(month == 12, year + 1, year),
        tf.where(month == 12, tf.ones_like(month), month + 1),
    )
    in_month = day <= _days_since_1970(year_after, month_after) - first
    nothing = tf.where(matches & in_month, tf.zeros_like(day), tf.constant(float("nan"), tf.float64))
    second = 3600 * fields.hour() + 60 * fields.number("%M", 0) + fields.number("%S", 0)
    return Moments(first + day - 1 + nothing, second + nothing, fields.offset() + nothing)


@dataclasses.dataclass(frozen=True)
class _Fields:
    """The groups of the format's regular expression, as strings; without a match a group holds the whole text."""

    groups: dict[str, tf.Tensor]
    matches: tf.Tensor

    def number(self, group: str, default: int) -> tf.Tensor:
        """Return a group as float64; the default if the format lacks the group or a text leaves it empty."""
        if group not in self.groups:
            return tf.fill(tf.shape(self.matches), tf.constant(default, tf.float64))
        text = self.groups[group]
        there = self.matches & (text != "")
        return tf.strings.to_number(tf.where(there, text, tf.constant(str(default))), tf.float64)

    def month_name(self) -> tf.Tensor:
        """Return the month, 1 to 12."""
        names = tf.strings.lower(tf.strings.substr(self.groups["%b"], 0, 3))
        same = tf.equal(tf.expand_dims(names, -1), tf.constant(dates.MONTHS))
        return tf.cast(tf.argmax(tf.cast(same, tf.int64), axis=-1) + 1, tf.float64)

    def hour(self) -> tf.Tensor:
        """Return the hour, 0 to 23."""
        if "%I" not in self.groups:
            return self.number("%H", 0)
        afternoon = tf.cast(tf.strings.lower(self.groups["%p"]) == "p", tf.float64)
        return tf.math.floormod(self.number("%I", 0), 12) + 12 * afternoon

    def offset(self) -> tf.Tensor:
        """Return the seconds by which local time is ahead of UTC."""
        ahead = 3600 * self.number("zone hours", 0) + 60 * self.number("zone minutes", 0)
        return tf.where(self.groups["sign"] == "-", -ahead, ahead) if "sign" in self.groups else ahead


def _days_since_1970(year: tf.Tensor, month: tf.Tensor) -> tf.Tensor:
    """Return the days from 1970-01-01 to the first of a month in the Gregorian calendar, float64.

    The algorithm is days_from_civil of Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". Its year begins
    in March.
    """
    year = tf.where(month <= 2, year - 1, year)
    era = tf.floor(year / 400)
    of_era = year - 400 * era
    of_year = tf.floor((153 * tf.math.floormod(month + 9, 12) + 2) / 5)
    return 146097 * era + 365 * of_era + tf.floor(of_era / 4) - tf.floor(of_era / 100) + of_year - 719468


def _month(moments: Moments) -> tf.Tensor:
    """Return the month, 1 to 12, float64, with civil_from_days of the same source."""
    days = moments.day + 719468
    of_era = days - 146097 * tf.floor(days / 146097)
    leap = tf.floor(of_era / 1460) - tf.floor(of_era / 36524) + tf.floor(of_era / 146096)
    year = tf.floor((of_era - leap) / 365)
    of_year = of_era - (365 * year + tf.floor(year / 4) - tf.floor(year / 100))
    from_march = tf.floor((5 * of_year + 2) / 153)
    return tf.math.floormod(from_march + 2, 12) + 1


def _hour(moments: Moments) -> tf.Tensor:
    return tf.floor(moments.second / 3600)


def _minutes(moments: Moments) -> tf.Tensor:
    return moments.second / 60


def _trend(moments: Moments) -> tf.Tensor:
    return moments.day + (moments.second - moments.offset) / 86400


def _weekday(moments: Moments) -> tf.Tensor:
    return tf.math.floormod(moments.day + 3, 7)  # 1970-01-01 was a Thursday


def _on_circle(numbers: tf.Tensor, first: int, count: int, wave: Callable[[float], float]) -> tf.Tensor:
    """Return the sine or cosine of a number's angle on a circle, so that 23 and 0 o'clock are neighbours."""
    table = tf.constant([wave(2 * math.pi * place / count) for place in range(count)], tf.float64)
    there = tf.logical_not(tf.math.is_nan(numbers))
    found = tf.gather(table, tf.cast(tf.where(there, numbers - first, tf.zeros_like(numbers)), tf.int64))
    return tf.where(there, found, numbers)


PARTS: dict[str, Callable[[Moments], tf.Tensor]] = {
    TREND: _trend,  # days since 1970-01-01 in UTC, with fraction: the age of a row up to a constant
    WEEKDAY: _weekday,  # 0 for Monday to 6
    MONTH: _month,  # 1 to 12
    HOUR: _hour,  # 0 to 23
    MINUTES: _minutes,  # since midnight, with fraction
    MONTH_SIN: lambda moments: _on_circle(_month(moments), 1, 12, math.sin),
    MONTH_COS: lambda moments: _on_circle(_month(moments), 1, 12, math.cos),
    HOUR_SIN: lambda moments: _on_circle(_hour(moments), 0, 24, math.sin),
    HOUR_COS: lambda moments: _on_circle(_hour(moments), 0, 24, math.cos),
}
