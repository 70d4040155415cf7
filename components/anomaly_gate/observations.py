"""Compare a column with its rule in the contract: what was expected, what was observed, and in which share of rows."""

import dataclasses
import re

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from serving.contract.domains import known_strings, number_range

_SHOWN_VALUES = 5
NO_VALUE = "no value"  # observed in a gap
NEW_COLUMN, MISSING_COLUMN = "SCHEMA_NEW_COLUMN", "SCHEMA_MISSING_COLUMN"
UNKNOWN_STRINGS = "ENUM_TYPE_UNEXPECTED_STRING_VALUES"
TOO_GREAT, TOO_SMALL = ("FLOAT_TYPE_BIG_FLOAT", "INT_TYPE_BIG_INT"), ("FLOAT_TYPE_SMALL_FLOAT", "INT_TYPE_SMALL_INT")
GAPS = ("FEATURE_TYPE_LOW_FRACTION_PRESENT", "FEATURE_TYPE_LOW_NUMBER_PRESENT", "FEATURE_TYPE_NOT_PRESENT")
_DIGITS = re.compile(r"\(up ?to six significant digits\)")  # in TFDV's texts
_OTHER_TYPE, OTHER_SHAPE = "UNEXPECTED_DATA_TYPE", "INVALID_FEATURE_SHAPE"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ObservedColumn:
    """A column's rule in the contract and its statistics in one split."""

    name: str
    rule: schema_pb2.Feature | None  # None: not in the contract
    seen: statistics_pb2.FeatureNameStatistics | None  # None: not in the data
    rows: int  # number of rows of the split

    @property
    def _common(self) -> statistics_pb2.CommonStatistics:
        if self.seen is None:
            return statistics_pb2.CommonStatistics()
        strings = self.seen.HasField("string_stats")
        return self.seen.string_stats.common_stats if strings else self.seen.num_stats.common_stats

    @property
    def present(self) -> float:
        """Return the share of rows with a value, 0 to 1."""
        return self._common.num_non_missing / self.rows if self.rows else 0.0

    @property
    def most_values(self) -> int:
        """Return the largest number of values in a row."""
        return int(self._common.max_num_values)

    @property
    def counts(self) -> dict[str, float]:
        """Return the rows of each value of a string or categorical integer column, the most frequent first."""
        if self.seen is None:
            return {}
        return {bucket.label: bucket.sample_count for bucket in self.seen.string_stats.rank_histogram.buckets}

    @property
    def data_type(self) -> str:
        """Return INT, FLOAT or STRING, or "nothing" if the data has no such column."""
        return "nothing" if self.seen is None else statistics_pb2.FeatureNameStatistics.Type.Name(self.seen.type)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Observation:
    """What was observed in the data."""

    text: str
    share: float | None = None  # share of rows, 0 to 1
    is_least: bool = False  # the share is a lower bound


def observe(column: ObservedColumn, kind: str, schema: schema_pb2.Schema, tfdv_text: str) -> Observation:
    """Describe what breaks the rule.

    Args:
        column: the column.
        kind: name of an AnomalyInfo.Type.
        schema: the contract.
        tfdv_text: TFDV's description, used for kinds that are not described here.

    Returns:
        The description.
    """
    if kind == MISSING_COLUMN:
        return Observation(text="no such column")
    if kind == NEW_COLUMN:
        return Observation(text=f"a column of {column.data_type}", share=column.present)
    if kind == _OTHER_TYPE:
        return Observation(text=f"{column.data_type}{_examples(list(column.counts))}", share=column.present)
    if kind == UNKNOWN_STRINGS and column.rule is not None:
        known = known_strings(column.rule, schema)
        unknown = {value: count for value, count in column.counts.items() if value not in known}
        return Observation(text=f"unknown values{_examples(list(unknown))}", share=sum(unknown.values()) / column.rows)
    if kind in (*TOO_GREAT, *TOO_SMALL) and column.rule is not None:
        return _out_of_range(column, number_range(column.rule), great=kind in TOO_GREAT)
    if kind == OTHER_SHAPE and column.most_values > 1:
        return Observation(text=f"up to {column.most_values} values in a row")
    if kind in GAPS or (kind == OTHER_SHAPE and column.present < 1):
        return Observation(text=NO_VALUE, share=1 - column.present)
    if kind == OTHER_SHAPE:
        return Observation(text=f"up to {column.most_values} values in a row")
    return Observation(text=as_clause(tfdv_text))


def describe_expected(column: ObservedColumn, kind: str, schema: schema_pb2.Schema) -> str:
    """Describe the rule that was broken."""
    if column.rule is None:
        return "no such column"
    of_type = schema_pb2.FeatureType.Name(column.rule.type)
    if kind == MISSING_COLUMN:
        return f"a column of {of_type}"
    if kind == UNKNOWN_STRINGS:
        return _describe_strings(column.rule, schema)
    if kind in (*TOO_GREAT, *TOO_SMALL):
        return _describe_range(number_range(column.rule))
    if kind in GAPS:
        presence = column.rule.presence
        at_least = f"{presence.min_fraction:.0%} of rows" if presence.min_fraction else f"{presence.min_count} rows"
        return "a value in every row" if presence.min_fraction == 1 else f"a value in at least {at_least}"
    if kind == OTHER_SHAPE:
        sizes = [dim.size for dim in column.rule.shape.dim]
        return "one value in every row" if sizes == [1] else f"values of shape {sizes} in every row"
    return of_type


def describe_remedy(column: ObservedColumn, kind: str, contract: str) -> str:
    """Describe what to do."""
    if kind == NEW_COLUMN:
        return f"drop the column from the data, or add {column.name} to {contract}"
    if kind == MISSING_COLUMN:
        return f"add the column to the data, or remove {column.name} from {contract}"
    if kind == UNKNOWN_STRINGS or kind in TOO_GREAT or kind in TOO_SMALL:
        return f"fix the values in the data, or widen the domain of {column.name} in {contract}"
    if kind in GAPS:
        # A shape requires a value in every row, too.
        shape = ", and remove its shape," if column.rule is not None and column.rule.HasField("shape") else ""
        return f"fill the gaps in the data, or lower the presence of {column.name}{shape} in {contract}"
    return f"fix {column.name} in the data, or change it in {contract}"


def as_clause(text: str) -> str:
    r"""Return TFDV's text on one line, without its full stop and its note on digits, for use within a message.

    Example:
        >>> as_clause("The feature has values\n outside its domain.")
        'The feature has values outside its domain'
        >>> as_clause("Unexpectedly low values: -42<0(upto six significant digits)")
        'Unexpectedly low values: -42<0'
    """
    return " ".join(_DIGITS.sub(" ", text).split()).rstrip(".")


def _out_of_range(column: ObservedColumn, bounds: tuple[float, float] | None, *, great: bool) -> Observation:
    low, high = bounds or (float("-inf"), float("inf"))
    if column.counts:  # categorical integers: every value was counted
        beyond = {int(v): n for v, n in column.counts.items() if (int(v) > high if great else int(v) < low)}
        extreme = float(max(beyond) if great else min(beyond)) if beyond else float("nan")
        share = sum(beyond.values()) / column.rows
        return Observation(text=_describe_extreme(extreme, great=great), share=share)
    numbers = column.seen.num_stats if column.seen is not None else statistics_pb2.NumericStatistics()
    # Only buckets that are entirely beyond the bound are counted, so the share is a lower bound.
    beyond_rows = (
        sum(b.sample_count for b in histogram.buckets if (b.low_value > high if great else b.high_value < low))
        for histogram in numbers.histograms
        if histogram.type == statistics_pb2.Histogram.QUANTILES
    )
    share = max([1.0, *beyond_rows]) / column.rows
    text = _describe_extreme(numbers.max if great else numbers.min, great=great)
    return Observation(text=text, share=share, is_least=True)


def _describe_extreme(value: float, *, great: bool) -> str:
    return f"values {'up' if great else 'down'} to {format_number(value)}"


def _describe_range(bounds: tuple[float, float] | None) -> str:
    low, high = bounds or (float("-inf"), float("inf"))
    if low == float("-inf"):
        return f"at most {format_number(high)}"
    return (
        f"at least {format_number(low)}" if high == float("inf") else f"{format_number(low)} to {format_number(high)}"
    )


def _describe_strings(rule: schema_pb2.Feature, schema: schema_pb2.Schema) -> str:
    known = sorted(known_strings(rule, schema))
    mass = rule.distribution_constraints.min_domain_mass
    among = f"values among{_examples(known)}"
    return among if mass >= 1 else f"at least {mass:.0%} of {among}"


def _examples(values: list[str]) -> str:
    if not values:
        return ""
    more = f" and {len(values) - _SHOWN_VALUES} more" if len(values) > _SHOWN_VALUES else ""
    return f" {', '.join(repr(value) for value in values[:_SHOWN_VALUES])}{more}"


def format_number(value: float) -> str:
    """Return a number of a column as text; a whole one without a decimal point."""
    return str(int(value)) if float(value).is_integer() else f"{value:g}"
