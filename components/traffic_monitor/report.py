"""Describe versions, predictions and columns for the report."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tfx import types

from components.traffic_monitor import verdict
from components.traffic_monitor.answers import Answers
from components.traffic_monitor.comparison import Judged
from components.traffic_monitor.rows import Watched
from components.traffic_monitor.samples import Sample
from components.traffic_monitor.window import PREDICTION

_BINS = 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class VersionInputs:
    """The artifacts of a model version that answered; None or empty if they are not known here."""

    version: str
    model: str | None  # folder of the SavedModel
    examples: list[str]  # folders of the Examples that it was trained on
    statistics: types.Artifact | None  # of those Examples


def describe_versions(
    answers: Answers, versions: Sequence[VersionInputs], trained: Mapping[str, Sample | None]
) -> list[dict[str, Any]]:
    """Return rows, predictions, latency and training data of each version that answered."""
    known = {one.version: one for one in versions}
    return [one | _describe_training(known.get(one["version"]), trained) for one in answers.describe_versions()]


def _describe_training(version: VersionInputs | None, trained: Mapping[str, Sample | None]) -> dict[str, Any]:
    sample = None if version is None else trained.get(version.version)
    return {
        "known": version is not None and version.model is not None,
        "training_rows": None if sample is None else sample.rows,
        "training_examples": [] if version is None else [str(path) for path in version.examples],
        "statistics": None if version is None or version.statistics is None else version.statistics.uri,
    }


def describe_column(
    column: Watched,
    window: Sample,
    before: Sample,
    trained: Mapping[str, Sample | None],
    judged: Sequence[Judged],
    has_key: bool,
) -> dict[str, Any]:
    """Describe how a column is watched, and what was found.

    Args:
        column: to describe.
        window: the rows to judge.
        before: rows of the window before.
        trained: version -> rows that it was trained on; None for a version that is not known here.
        judged: every comparison.
        has_key: whether training values could be hashed.

    Returns:
        JSON values: shares of missing and unseen values, number of tests, smallest adjusted p-value, and alarms.
    """
    own = [one for one in judged if one.comparison.column == column.name]
    return {
        "name": column.name,
        "watched": verdict.describe_watched(column, has_key),
        "missing": {
            "window": window.missing_share(column.name),
            "before": before.missing_share(column.name),
            **{f"training of {name}": sample.missing_share(column.name) for name, sample in trained.items() if sample},
        },
        "unseen": {
            name: window.unseen_share(column.name, sample)
            for name, sample in trained.items()
            if sample is not None
            and not column.time_bound
            and column.hidden != "dropped"
            and (column.hidden != "hashed" or has_key)
        },
        "tests": len(own),
        "least_p_value": min((one.adjusted for one in own), default=None),
        "alarms": sorted({one.comparison.test for one in own if one.alarm}),
    }


def describe_predictions(samples: Sequence[Sample | None]) -> dict[str, Any] | None:
    """Make a histogram of predicted numbers.

    Probabilities are binned from 0 to 1, other predictions from the minimum to the maximum of the first sample. Values
    beyond the edges count in the outermost bins. Predicted classes have no histogram: the `class_shares` of each
    version show them.

    Args:
        samples: of predictions; None is left out.

    Returns:
        `edges`, and `shares`: sample -> share of its predictions in each bin; None if there are no numbers.
    """
    found = {
        one.name: one.columns[PREDICTION].found
        for one in samples
        if one is not None and one.columns[PREDICTION].ordered
    }
    found = {name: values for name, values in found.items() if len(values)}
    if not found:
        return None
    first = next(iter(found.values()))
    low, high = (0.0, 1.0) if first.min() >= 0 and first.max() <= 1 else (float(first.min()), float(first.max()))
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    return {
        "edges": edges.tolist(),
        "shares": {
            name: (np.histogram(values.clip(edges[0], edges[-1]), edges)[0] / len(values)).tolist()
            for name, values in found.items()
        },
    }
