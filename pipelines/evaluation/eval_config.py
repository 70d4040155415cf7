"""Build a task's TFMA EvalConfig: the metrics and slices of its evaluation.py, the thresholds of its scoping.toml."""

import json
from collections.abc import Iterator, Sequence

from tensorflow_model_analysis.metrics.metric_types import registered_metrics
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils.keras_lib import tf_keras

from components.signatures import SERVING_DEFAULT, TRANSFORM_FEATURES
from pipelines.task_definition.scoping import ScopingError, Success, Threshold
from serving.did_you_mean import closest, suggestion

# TFMA's default of 10,000 thresholds moves the areas by less than 0.0001, and costs seconds over many slices.
_AREA_CONFIG = json.dumps({"num_thresholds": 1000})
_ROWS_METRIC = "ExampleCount"


def make_eval_config(
    success: Success, *, label: str, slices: Sequence[str], metrics: Sequence[str | config_pb2.MetricConfig]
) -> config_pb2.EvalConfig:
    """Return the EvalConfig: metrics, slices, and the thresholds that a model has to meet to be blessed.

    A slice with a threshold must also have success.min_slice_rows rows: otherwise the model is not blessed.

    Args:
        success: `success` of the task's scoping.toml.
        label: Name of the transformed label.
        slices: Raw columns; the metrics are computed on all rows and on each value of each of these columns.
        metrics: Classes of TFMA or Keras by name, or with their options; ExampleCount is added if it is missing.

    Raises:
        ScopingError: A threshold is on a metric or a slice that is not computed.
    """
    configs = [_make_metric(metric) for metric in metrics]
    if _ROWS_METRIC not in (config.class_name for config in configs):
        configs.append(_make_metric(_ROWS_METRIC))
    for threshold in (*success.thresholds, *_row_thresholds(success)):
        _find_metric(threshold, configs, slices).per_slice_thresholds.append(_make_threshold(threshold))
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                signature_name=SERVING_DEFAULT, label_key=label, preprocessing_function_names=[TRANSFORM_FEATURES]
            )
        ],
        slicing_specs=[config_pb2.SlicingSpec(), *(config_pb2.SlicingSpec(feature_keys=[name]) for name in slices)],
        metrics_specs=[config_pb2.MetricsSpec(metrics=configs)],
    )


def has_threshold(eval_config: config_pb2.EvalConfig) -> bool:
    """Return whether the config has any threshold, of a value or a change.

    TFMA's `metric_thresholds_from_metrics_specs` is not used, since it creates the metrics: creating Keras metrics runs
    TensorFlow, and a process that has run TensorFlow cannot be forked.
    """
    return any(_bounds(threshold) for spec in eval_config.metrics_specs for threshold in _thresholds(spec))


def slice_columns(eval_config: config_pb2.EvalConfig) -> tuple[str, ...]:
    """Return the raw columns of which each value is a slice."""
    alone = (spec.feature_keys for spec in eval_config.slicing_specs if not spec.feature_values)
    return tuple(dict.fromkeys(keys[0] for keys in alone if len(keys) == 1))


def unknown_metrics(eval_config: config_pb2.EvalConfig) -> dict[str, str]:
    """Return the metric classes that neither TFMA nor Keras has, each with a suggestion.

    A class with a module in its config is not checked. No metric is created.
    """
    known = {*registered_metrics(), *(name for name in dir(tf_keras.metrics) if not name.startswith("_"))}
    names = {metric.class_name for spec in eval_config.metrics_specs for metric in spec.metrics if not metric.module}
    return {name: suggestion(name, sorted(known)) for name in sorted(names.difference(known))}


def _thresholds(spec: config_pb2.MetricsSpec) -> Iterator[config_pb2.MetricThreshold]:
    yield from spec.thresholds.values()
    for by_name in (*spec.per_slice_thresholds.values(), *spec.cross_slice_thresholds.values()):
        yield from (one.threshold for one in by_name.thresholds)
    for metric in spec.metrics:
        yield metric.threshold
        yield from (one.threshold for one in (*metric.per_slice_thresholds, *metric.cross_slice_thresholds))


def _bounds(threshold: config_pb2.MetricThreshold) -> bool:
    return threshold.HasField("value_threshold") or threshold.HasField("change_threshold")


def _make_metric(metric: str | config_pb2.MetricConfig) -> config_pb2.MetricConfig:
    config = config_pb2.MetricConfig()
    if isinstance(metric, str):
        config.class_name, config.config = metric, _AREA_CONFIG if metric.startswith("AUC") else ""
    else:
        config.CopyFrom(metric)
    return config


def _row_thresholds(success: Success) -> Iterator[Threshold]:
    """Yield a threshold on the number of rows for each slice that has a threshold, but none on its rows."""
    agreed = [threshold.slice for threshold in success.thresholds if threshold.metric == _ROWS_METRIC]
    for threshold in success.thresholds:
        if threshold.slice and threshold.slice not in agreed:
            agreed.append(threshold.slice)
            yield Threshold(
                metric=_ROWS_METRIC,
                slice=threshold.slice,
                at_least=success.min_slice_rows,
                reason="a metric of fewer rows is noise",
            )


def _find_metric(
    threshold: Threshold, configs: Sequence[config_pb2.MetricConfig], slices: Sequence[str]
) -> config_pb2.MetricConfig:
    """Return the metric that a threshold is on; raise ScopingError if it or the slice is not computed."""
    for column in threshold.slice:
        if column not in slices:
            raise ScopingError(
                f"threshold of {threshold.where}: no slices by {column!r} are computed; {_suggest(column, slices)}"
            )
    by_name = {config.class_name: config for config in configs}
    if threshold.metric not in by_name:
        raise ScopingError(
            f"threshold of {threshold.where}: {threshold.metric!r} is not computed; "
            f"{_suggest(threshold.metric, list(by_name))}"
        )
    return by_name[threshold.metric]


def _suggest(name: str, computed: Sequence[str]) -> str:
    close = closest(name, computed)
    known = f"did you mean {close!r}?" if close else f"expected one of {', '.join(computed) or '(none)'}."
    return f"{known} evaluation.py lists the metrics and slices that are computed, scoping.toml their thresholds"


def _make_threshold(threshold: Threshold) -> config_pb2.PerSliceMetricThreshold:
    """Return bounds on a metric's value, and on its change from the version pushed before.

    The bounds always name a slice: TFMA checks a threshold without one on every slice, and a slice that
    Options.min_slice_size leaves out fails every threshold.
    """
    bounds = config_pb2.MetricThreshold()
    if threshold.at_least is not None:
        bounds.value_threshold.lower_bound.value = threshold.at_least
    if threshold.at_most is not None:
        bounds.value_threshold.upper_bound.value = threshold.at_most
    if threshold.change_at_least is not None:
        bounds.change_threshold.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
        bounds.change_threshold.absolute.value = threshold.change_at_least
    if threshold.change_at_most is not None:
        bounds.change_threshold.direction = config_pb2.MetricDirection.LOWER_IS_BETTER
        bounds.change_threshold.absolute.value = threshold.change_at_most
    where = config_pb2.SlicingSpec(feature_values=threshold.slice)
    return config_pb2.PerSliceMetricThreshold(slicing_specs=[where], threshold=bounds)
