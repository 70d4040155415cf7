"""Measure production metrics per window, version and slice, and compare them with what was promised."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.in_process import evaluate_predictions
from pipelines.evaluation.bootstrap import Interval, estimate_intervals
from pipelines.evaluation.slices import OVERALL, SlicedRows, slice_in_words
from pipelines.evaluation.weighted_metrics import Metric
from pipelines.production_metrics.errors import ProductionMetricsError
from pipelines.production_metrics.estimation import estimate_metrics
from pipelines.production_metrics.labels import make_labels
from pipelines.production_metrics.logged_predictions import LoggedPredictions
from pipelines.production_metrics.metrics import CALIBRATION, OF_DECISIONS, WORSE_WHEN_LARGER, production_metrics_of
from pipelines.production_metrics.records import MetricRecord, ProductionMetrics
from pipelines.production_metrics.reference import VersionReference, as_labels
from pipelines.production_metrics.verdict import GapVerdict, measure_gap, more_than_chance, p_value, standard_error
from pipelines.production_metrics.windows import Window
from pipelines.runs import RunError
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION
from serving.feedback.columns import OUTCOME
from serving.request_log.columns import (
    ANSWER_PROBABILITIES,
    ANSWER_PROBABILITY,
    ANSWER_VALUE,
    MODEL_VERSION,
    REQUEST_TIME,
)

LEAST_LABELLED = 30  # with fewer labels a gap is not judged: its error is not normally distributed


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Answered:
    """The rows that one version answered in one window."""

    window: Window
    reference: VersionReference
    version: int
    rows: pd.DataFrame
    predictions: np.ndarray  # float64 [rows], or [rows, classes]
    labels: np.ndarray  # float64 [rows], NaN until the outcome is reported
    metrics: Mapping[str, Metric]  # of the kind of problem

    def labels_of(self, known: np.ndarray) -> np.ndarray:
        """Return the labels of rows whose outcome is known, as metrics take them."""
        return as_labels(self.labels[known], self.reference.problem)


def measure_production(
    predictions: LoggedPredictions,
    windows: Sequence[Window],
    read_version: Callable[[int], VersionReference],
    *,
    task: str,
    threshold: float,
    min_rows: int,
) -> ProductionMetrics:
    """Measure the metrics of labelled rows, estimate those of all rows, and compare them with what was promised.

    Args:
        predictions: logged, with the outcomes reported so far.
        windows: oldest first.
        read_version: returns what was promised of a version.
        task: its name.
        threshold: the probability from which the gateway decides for the positive class.
        min_rows: leave out slices with fewer rows.

    Returns:
        The metrics, and notes on what could not be measured.

    Raises:
        ProductionMetricsError: The label cannot be computed from the log, or the log holds predictions of another kind.
        RunError: No version that answered has a run that can be read.
    """
    records: list[MetricRecord] = []
    hidden_slices: dict[str, str] = {}
    references, faults = _read_versions(predictions, windows, read_version)
    unknown: dict[int, int] = {}  # version without a reference -> its rows
    for window in windows:
        inside = predictions.rows[
            (predictions.rows[REQUEST_TIME] >= window.start) & (predictions.rows[REQUEST_TIME] < window.end)
        ]
        for version, rows in inside.groupby(MODEL_VERSION, sort=True):
            reference = references.get(int(version))
            if reference is None:
                unknown[int(version)] = unknown.get(int(version), 0) + len(rows)
                continue
            answered = _Answered(
                window=window,
                reference=reference,
                version=int(version),
                rows=rows.reset_index(drop=True),
                predictions=_predictions(reference, rows),
                labels=_labels(reference, rows.reset_index(drop=True), predictions),
                metrics=production_metrics_of(reference.problem, threshold),
            )
            hidden_slices |= _hidden_slices(reference, predictions)
            records += _judge(list(_measure(answered, predictions.hidden, min_rows)))
    left_out = [
        f"{unknown[version]:,} rows of version {version} are left out: {faults[version]}" for version in unknown
    ]
    return ProductionMetrics(task=task, records=records, notes=[*left_out, *_notes(predictions, hidden_slices)])


def _read_versions(
    predictions: LoggedPredictions, windows: Sequence[Window], read_version: Callable[[int], VersionReference]
) -> tuple[dict[int, VersionReference], dict[int, RunError]]:
    """Return what was promised of each version that answered in the windows, and why others cannot be read."""
    times, versions = predictions.rows[REQUEST_TIME], predictions.rows[MODEL_VERSION]
    inside = (times >= windows[0].start) & (times < windows[-1].end)
    references: dict[int, VersionReference] = {}
    faults: dict[int, RunError] = {}
    for version in sorted(int(version) for version in versions[inside].unique()):
        try:
            references[version] = read_version(version)
        except RunError as error:
            faults[version] = error
    if faults and not references:
        raise next(iter(faults.values()))
    return references, faults


def _labels(reference: VersionReference, rows: pd.DataFrame, predictions: LoggedPredictions) -> np.ndarray:
    found = np.full(len(rows), np.nan)
    known = rows[OUTCOME].notna().to_numpy()
    if known.any():
        assert predictions.label is not None
        made = make_labels(reference.run, rows[known], predictions.label, predictions.hidden)
        found[known] = as_labels(made, reference.problem)
    return found


def _predictions(reference: VersionReference, rows: pd.DataFrame) -> np.ndarray:
    """Return the logged predictions: [rows], or [rows, classes] for several classes."""
    name = {BINARY: ANSWER_PROBABILITY, MULTICLASS: ANSWER_PROBABILITIES, REGRESSION: ANSWER_VALUE}[reference.problem]
    if name not in rows or rows[name].isna().any():
        raise ProductionMetricsError(
            f"run {reference.run.id}: expected {name} in the request log, as a task of kind {reference.problem} has, "
            "received none in some rows; correct the gateway's setting kind, or name newer windows"
        )
    if reference.problem != MULTICLASS:
        return rows[name].to_numpy(np.float64)
    widths, expected = {len(each) for each in rows[name]}, reference.predictions.shape[1]
    if widths != {expected}:
        raise ProductionMetricsError(
            f"run {reference.run.id}: expected {expected} probabilities a row in {name}, received "
            f"{', '.join(map(str, sorted(widths)))}; the classes changed, name newer windows"
        )
    return np.stack(rows[name].to_list()).astype(np.float64)


def _measure(answered: _Answered, hidden: Mapping[str, str], min_rows: int) -> Iterator[MetricRecord]:
    """Yield the records of every slice, without the verdict on their gaps."""
    sliced, reference, metrics = SlicedRows(answered.rows), answered.reference, answered.metrics
    labelled = np.isfinite(answered.labels)
    reported = _tfma_values(answered, labelled, hidden)
    for where, pairs in reference.slices.items():
        if any(name in hidden or name not in answered.rows for name, _ in pairs):
            continue
        inside = sliced.inside(pairs)
        if not inside.any() or (where != OVERALL and int(inside.sum()) < min_rows):
            continue
        known = inside & labelled
        production = _production(answered, known, reported.get(where, {}))
        estimated = _estimate(answered, inside)
        of_known = estimated if known.sum() in (0, inside.sum()) else _estimate(answered, known)
        promised, promised_rows = reference.promise(where, metrics), reference.count(where)
        for name in metrics:
            measured, promise = production.get(name), promised.get(name)
            gap = None
            if measured is not None and promise is not None:
                gap = measure_gap(measured, int(known.sum()), promise, promised_rows)
            yield MetricRecord(
                window=answered.window,
                version=answered.version,
                slice=where,
                metric=name,
                rows=int(inside.sum()),
                labelled=int(known.sum()),
                production=measured,
                estimated=estimated.get(name),
                estimate_held=_held(measured, of_known.get(name)),
                promised=promise,
                gap=gap,
                p_value=math.nan if gap is None else p_value(gap.value, standard_error(gap)),
                verdict=_missing(int(known.sum()), promise, gap),
            )


def _estimate(answered: _Answered, chosen: np.ndarray) -> dict[str, Interval]:
    """Return the estimated metrics of rows; none unless there are two classes (see estimation.py)."""
    if answered.reference.problem != BINARY:
        return {}
    return estimate_metrics(answered.predictions[chosen], answered.reference.recalibration, answered.metrics)


def _production(answered: _Answered, known: np.ndarray, reported: Mapping[str, float]) -> dict[str, Interval]:
    """Return the metrics of a slice's labelled rows, with bootstrap intervals; values are TFMA's if it has them."""
    if not known.any():
        return {}
    found = estimate_intervals(answered.labels_of(known), answered.predictions[known], answered.metrics)
    return {
        name: dataclasses.replace(interval, value=reported[name])
        if name in reported and name not in OF_DECISIONS and math.isfinite(interval.value)
        else interval
        for name, interval in found.items()
    }


def _tfma_values(
    answered: _Answered, labelled: np.ndarray, hidden: Mapping[str, str]
) -> dict[str, Mapping[str, float]]:
    """Return TFMA's values on the labelled rows, by slice in words."""
    config = answered.reference.run.task_record.make_eval_config()
    columns = [name for name in _slice_columns(config) if name not in hidden and name in answered.rows]
    found = evaluate_predictions(
        config, answered.labels_of(labelled), answered.predictions[labelled],
        answered.rows.loc[labelled, columns].reset_index(drop=True),
    )  # fmt: skip
    return {
        slice_in_words(tuple((name, _in_words(value)) for name, value in where)): values
        for where, values in found.items()
    }


def _slice_columns(config: config_pb2.EvalConfig) -> list[str]:
    names = [name for spec in config.slicing_specs for name in (*spec.feature_keys, *spec.feature_values)]
    return list(dict.fromkeys(names))


def _in_words(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value.item() if isinstance(value, np.generic) else value)


def _held(measured: Interval | None, estimated: Interval | None) -> bool | None:
    if measured is None or estimated is None or not math.isfinite(measured.value + estimated.low + estimated.high):
        return None
    return bool(estimated.low <= measured.value <= estimated.high)


def _missing(labelled: int, promise: Interval | None, gap: Interval | None) -> GapVerdict:
    """Return the verdict before gaps are judged together; AS_PROMISED: the gap is to be judged."""
    if not labelled:
        return GapVerdict.NO_LABELS
    if labelled < LEAST_LABELLED:
        return GapVerdict.FEW_LABELS
    if promise is None:
        return GapVerdict.NO_PROMISE
    return GapVerdict.UNDEFINED if gap is None else GapVerdict.AS_PROMISED


def _judge(records: Sequence[MetricRecord]) -> list[MetricRecord]:
    """Judge the gaps of one window and version together."""
    judged = [record.verdict is GapVerdict.AS_PROMISED for record in records]
    found = more_than_chance([
        record.p_value if judge else math.nan for record, judge in zip(records, judged, strict=True)
    ])  # fmt: skip
    return [
        dataclasses.replace(record, verdict=_direction(record)) if more else record
        for record, more in zip(records, found, strict=True)
    ]


def _direction(record: MetricRecord) -> GapVerdict:
    assert record.gap is not None
    if record.metric == CALIBRATION:
        return GapVerdict.CHANGED
    worse = (record.gap.value > 0) == (record.metric in WORSE_WHEN_LARGER)
    return GapVerdict.WORSE if worse else GapVerdict.BETTER


def _hidden_slices(reference: VersionReference, predictions: LoggedPredictions) -> dict[str, str]:
    """Return the columns of the run's slices that the log hashes, drops or lacks, and which of these it does."""
    named = {name for pairs in reference.slices.values() for name, _ in pairs}
    hidden = dict.fromkeys(named.difference(predictions.rows.columns), "no column") | dict(predictions.hidden)
    return {name: hidden[name] for name in sorted(named & hidden.keys())}


def _notes(predictions: LoggedPredictions, hidden_slices: Mapping[str, str]) -> list[str]:
    notes = [f"{name} is {how} in the request log: there are no slices by it" for name, how in hidden_slices.items()]
    counted = (
        (predictions.contradictory, "rows have contradictory outcomes and count as without one"),
        (
            predictions.unmatched,
            "outcomes are of rows that the log does not hold: not written yet (a minute), or removed",
        ),
        (predictions.repeated, "rows were asked for again within a minute, and are left out"),
        (predictions.ambiguous, "rows share id, number and time with another, and are left out"),
    )
    return notes + [f"{count:,} {words}" for count, words in counted if count]
