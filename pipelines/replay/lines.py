"""Compare two series of answers to the same rows: those of the retrained models, and those of the first model."""

import dataclasses
import datetime
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.evaluation.bootstrap import Interval, estimate_differences, estimate_intervals
from pipelines.evaluation.slices import OVERALL
from pipelines.evaluation.weighted_metrics import Metric, auc, binary_crossentropy, calibration
from pipelines.production_metrics.estimation import estimate_metrics
from pipelines.production_metrics.labels import make_labels
from pipelines.production_metrics.logged_predictions import read_logged_predictions
from pipelines.production_metrics.reference import VersionReference, read_reference
from pipelines.runs import Runs
from pipelines.runs.model import PREDICTION, RunModel
from serving.feedback.columns import OUTCOME
from serving.request_log.columns import ANSWER_PROBABILITY, MODEL_VERSION

METRICS: Mapping[str, Metric] = {metric.__name__: metric for metric in (auc, binary_crossentropy, calibration)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """The metrics of one version estimated before labels came, and measured with the labels; None if undefined."""

    version: str
    rows: int  # rows with its answers
    estimated: dict[str, Interval | None]
    measured: dict[str, Interval | None]  # on the same version's labelled rows


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelledAnswers:
    """The answers of both series to the labelled rows of one or several spans."""

    labels: np.ndarray  # int64 [rows], 0 or 1
    retrained: np.ndarray  # float64 [rows]: the probabilities that the gateway answered
    first: np.ndarray  # float64 [rows]: the first model's probabilities for the same rows

    @classmethod
    def join(cls, parts: Sequence["LabelledAnswers"]) -> "LabelledAnswers":
        """Return the answers of several spans as one."""
        return cls(
            labels=np.concatenate([part.labels for part in parts]),
            retrained=np.concatenate([part.retrained for part in parts]),
            first=np.concatenate([part.first for part in parts]),
        )

    def measure(self) -> "Comparison":
        """Return the metrics of both series, and their differences on the same resamples."""
        return Comparison(
            rows=len(self.labels),
            retrained=estimate_intervals(self.labels, self.retrained, METRICS),
            first=estimate_intervals(self.labels, self.first, METRICS),
            difference=estimate_differences(self.labels, self.retrained, self.first, METRICS),
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """The metrics of both series on the same labelled rows, with 95% intervals."""

    rows: int
    retrained: dict[str, Interval]
    first: dict[str, Interval]
    difference: dict[str, Interval]  # retrained minus first


class FirstModel:
    """The first model, kept without retraining; it also predicts the rows that later versions answered.

    It predicts through its serving signature, as a second server with this version alone would. That takes a second per
    span instead of a second set of requests.
    """

    def __init__(self, task: str, var: Path, version: str):
        self.version = version
        self.reference: VersionReference = read_reference(Runs(var), task, int(version))
        self._model = RunModel(var / "serving" / task / version)
        self._var, self._task = var, task

    def answer(self, begun: datetime.datetime) -> tuple[LabelledAnswers, Estimate]:
        """Return the first model's answers to the rows that were logged since a time.

        Args:
            begun: the time, with time zone.

        Returns:
            Both series' answers to the labelled rows, and the first model's estimated and measured metrics.

        Raises:
            ProductionMetricsError: The request log or the outcomes cannot be read.
        """
        logged = read_logged_predictions(
            self._var / "requests" / self._task, self._var / "feedback" / self._task, begun
        )
        rows = logged.rows
        logged_answers = rows[ANSWER_PROBABILITY].to_numpy(np.float64)
        answers = self._model(rows)[PREDICTION].to_numpy(np.float64)
        # Its own answers are taken from the log, because a prediction in another batch would be rounded differently.
        answers = np.where((rows[MODEL_VERSION] == int(self.version)).to_numpy(bool), logged_answers, answers)
        known = rows[OUTCOME].notna().to_numpy()
        assert logged.label is not None, "outcomes were told"
        made = make_labels(self.reference.run, rows[known].reset_index(drop=True), logged.label, logged.hidden)
        labelled = LabelledAnswers(
            labels=(made > 0).astype(np.int64),
            retrained=logged_answers[known],
            first=answers[known],
        )
        estimate = Estimate(
            version=self.version,
            rows=len(rows),
            estimated=dict(estimate_metrics(answers, self.reference.recalibration, METRICS)),
            measured=dict(estimate_intervals(labelled.labels, labelled.first, METRICS)),
        )
        return labelled, estimate


def read_estimate(path: Path, version: str, begun: datetime.datetime) -> Estimate | None:
    """Return what `production-metrics` found of a version in the newest window; None if it found nothing.

    Args:
        path: the file that it wrote.
        version: the version that answered most rows of the span.
        begun: when the span's first row was sent, with time zone; an earlier window belongs to another span.
    """
    if not path.is_file():
        return None
    records: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["records"]
    newest = max((one["window_end"] for one in records), default="")
    if not newest or datetime.datetime.fromisoformat(newest) < begun:
        return None
    found = {
        one["metric"]: one
        for one in records
        if (one["version"], one["slice"], one["window_end"]) == (version, OVERALL, newest) and one["metric"] in METRICS
    }
    if not found:
        return None
    return Estimate(
        version=version,
        rows=next(iter(found.values()))["rows"],
        estimated={name: _interval(one["estimated"]) for name, one in found.items()},
        measured={name: _interval(one["production"]) for name, one in found.items()},
    )


def _interval(plain: Mapping[str, float | None] | None) -> Interval | None:
    if plain is None:
        return None
    return Interval(**{name: math.nan if value is None else value for name, value in plain.items()})
