"""Read the Evaluator's metrics with TFMA, which this module imports."""

import math
from pathlib import Path
from typing import Any

import tensorflow_model_analysis as tfma

from pipelines.evaluation.slices import OVERALL, Slice, SliceMetrics, slice_in_words

Values = dict[tuple[Slice, str, bool], float]  # (slice, metric, is it a change against the baseline) -> value

_ROWS_METRIC = "example_count"  # TFMA's name for ExampleCount


def slice_metrics(evaluation: Path, min_rows: int = 1) -> SliceMetrics:
    """Return the candidate's metrics per slice, all rows first; only metrics that are one number.

    Args:
        evaluation: Folder of the Evaluator's output.
        min_rows: Slices with fewer rows, by the metric ExampleCount, are left out. TFMA's own option min_slice_size is
            not used: a slice that it leaves out fails every threshold.
    """
    found: SliceMetrics = {}
    for (where, name, is_diff), value in read_values(evaluation).items():
        if not is_diff:
            found.setdefault(slice_in_words(where), {})[name] = value if math.isfinite(value) else None
    found = {where: values for where, values in found.items() if (values.get(_ROWS_METRIC) or min_rows) >= min_rows}
    return dict(sorted(found.items(), key=lambda item: (item[0] != OVERALL, item[0])))


def read_values(evaluation: Path) -> Values:
    """Return every metric of the candidate that is one number, all rows first."""
    found = {}
    for record in tfma.load_metrics(str(evaluation)):
        where = slice_of(record.slice_key)
        for item in record.metric_keys_and_values:
            if item.key.model_name != tfma.BASELINE_KEY and item.value.WhichOneof("type") == "double_value":
                found[where, item.key.name, item.key.is_diff] = item.value.double_value.value
    return dict(sorted(found.items()))


def slice_of(key: Any) -> Slice:
    """Return the pairs of column and value of a SliceKey proto."""
    pairs = key.single_slice_keys
    return tuple((pair.column, _slice_value(getattr(pair, pair.WhichOneof("kind")))) for pair in pairs)


def _slice_value(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
