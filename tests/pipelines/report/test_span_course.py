"""A column's course over spans."""

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from pipelines.report.span_course import count_new_values, measure_drift

SCHEMA = text_format.Parse(
    'feature { name: "pay" type: BYTES drift_comparator { infinity_norm { threshold: 0.2 } } }'
    'feature { name: "free" type: BYTES }',
    schema_pb2.Schema(),
)


def span(**counts: int) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Statistics of a span in which the column `pay`, and `free` likewise, has so many rows of each value."""
    rows = sum(counts.values())
    buckets = "".join(f'buckets {{ label: "{value}" sample_count: {count} }}' for value, count in counts.items())
    feature = f"""type: STRING string_stats {{
        common_stats {{ num_non_missing: {rows} min_num_values: 1 max_num_values: 1 tot_num_values: {rows} }}
        unique: {len(counts)} rank_histogram {{ {buckets} }} }}"""
    columns = "".join(f'features {{ path {{ step: "{name}" }} {feature} }}' for name in ("pay", "free"))
    return text_format.Parse(
        f"datasets {{ num_examples: {rows} {columns} }}", statistics_pb2.DatasetFeatureStatisticsList()
    )


def test_drift_is_the_distance_from_the_span_before_of_columns_that_have_a_threshold() -> None:
    spans = [span(Cash=60, Card=40), span(Cash=50, Card=50), span(Cash=5, Card=5)]
    drift = measure_drift(spans, SCHEMA)
    assert set(drift) == {"pay"}
    distances, threshold = drift["pay"]
    assert threshold == pytest.approx(0.2)
    assert distances[0] is None
    assert distances[1:] == pytest.approx([0.1, 0.0])


def test_one_span_has_nothing_to_drift_from() -> None:
    assert measure_drift([span(Cash=1)], SCHEMA) == {}


def test_new_values_are_those_of_no_span_before() -> None:
    spans = [span(a=1, b=2), span(b=3, c=4, d=1), None, span(a=9, c=1, e=2)]
    features = [None if one is None else one.datasets[0].features[0] for one in spans]
    assert count_new_values(features) == [(0, 0), (2, 5), (0, 0), (1, 2)]


def test_nobody_can_tell_what_is_new_where_statistics_do_not_list_every_value() -> None:
    features = [one.datasets[0].features[0] for one in (span(a=1, b=2), span(b=3, c=4))]
    features[0].string_stats.unique = 3  # c may have been the third
    assert count_new_values(features) is None
