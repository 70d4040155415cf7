"""TFMA's evaluation, in which metrics that only need sums are computed by batch and all others by TFMA itself."""

from collections.abc import Iterable
from typing import Any

import apache_beam as beam
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.api import model_eval_lib
from tensorflow_model_analysis.evaluators import evaluator as tfma_evaluator
from tensorflow_model_analysis.evaluators import metrics_plots_and_validations_evaluator as by_row
from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.extractors import extractor, slice_key_extractor, unbatch_extractor
from tensorflow_model_analysis.metrics import metric_specs, metric_types
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import model_util

from components.evaluator.accumulation import SliceSums
from components.evaluator.combiners import columnar_sums
from components.evaluator.sums import Sums

_MODEL_TYPES = {constants.TF_GENERIC, constants.TF_KERAS}  # TFMA loads or calls other types in another way
_BY_ROW_STAGES = (unbatch_extractor.UNBATCH_EXTRACTOR_STAGE_NAME, slice_key_extractor.SLICE_KEY_EXTRACTOR_STAGE_NAME)


def batch_extractors(**arguments: Any) -> list[extractor.Extractor]:
    """Return TFMA's default extractors without those that split batches into rows."""
    found = model_eval_lib.default_extractors(**arguments)
    return [one for one in found if one.stage_name not in _BY_ROW_STAGES]


def can_be_columnar(eval_config: config_pb2.EvalConfig, models: Iterable[Any]) -> bool:
    """Return whether this module can evaluate the models as the config asks.

    It cannot where the config or a model has one of these, and TFMA then evaluates everything: confidence intervals,
    which need single rows; a minimum size of slices; slices in SQL, whose keys components.evaluator.slices does not
    read; metrics stored in a Keras model; a model type other than TF_GENERIC and TF_KERAS.

    Args:
        eval_config: with TFMA's defaults filled in.
        models: TFMA's EvalSharedModels.
    """
    options = eval_config.options
    in_model = not options.HasField("include_default_metrics") or options.include_default_metrics.value
    model_types = {one.model_type for one in models}
    with_metrics = in_model and constants.TF_KERAS in model_types
    needs_rows = options.compute_confidence_intervals.value or options.min_slice_size.value > 1
    return not (needs_rows or with_metrics or model_types - _MODEL_TYPES or _has_sql(eval_config))


def _has_sql(eval_config: config_pb2.EvalConfig) -> bool:
    """Return whether a slice, or one side of a comparison of slices, is defined in SQL."""
    crossed = [spec for one in eval_config.cross_slicing_specs for spec in (one.baseline_spec, *one.slicing_specs)]
    return any(spec.slice_keys_sql for spec in (*eval_config.slicing_specs, *crossed))


def columnar_evaluator(eval_config: config_pb2.EvalConfig) -> tfma_evaluator.Evaluator:
    """Return a TFMA evaluator that computes metrics, plots and validations from whole batches.

    Args:
        eval_config: with TFMA's defaults filled in; `can_be_columnar` has to be true of it.
    """
    return tfma_evaluator.Evaluator(
        stage_name="EvaluateByColumns",
        run_after=extractor.LAST_EXTRACTOR_STAGE_NAME,
        ptransform=_EvaluateByColumns(eval_config),
    )


def split_specs(
    eval_config: config_pb2.EvalConfig,
) -> tuple[list[config_pb2.MetricsSpec], list[config_pb2.MetricsSpec]]:
    """Split the MetricsSpecs into those of metrics that only need sums, and those of all others."""
    columnar: list[config_pb2.MetricsSpec] = []
    others: list[config_pb2.MetricsSpec] = []
    for spec in eval_config.metrics_specs:
        fits = [_adds_up(metric, spec, eval_config) for metric in spec.metrics]
        for specs, wanted in ((columnar, True), (others, False)):
            part = config_pb2.MetricsSpec()
            part.CopyFrom(spec)
            del part.metrics[:]
            part.metrics.extend(metric for metric, fit in zip(spec.metrics, fits, strict=True) if fit is wanted)
            if part.metrics:
                specs.append(part)
    return columnar, others


def _adds_up(metric: config_pb2.MetricConfig, spec: config_pb2.MetricsSpec, eval_config: config_pb2.EvalConfig) -> bool:
    if spec.query_key:
        return False
    alone = config_pb2.MetricsSpec()
    alone.CopyFrom(spec)
    del alone.metrics[:]
    alone.metrics.append(metric)
    computations = computations_of([alone], eval_config).non_derived_computations
    return all(columnar_sums(one) is not None for one in computations)


def public_metrics(where: Any, metrics: dict[Any, Any]) -> dict[Any, Any]:
    """Return the metrics of a slice without TFMA's private ones, which exist only to derive others from."""
    return by_row._remove_private_metrics(where, metrics)[1]


def require_sums(computation: metric_types.MetricComputation) -> Sums:
    """Return the sums of a computation that only needs sums.

    Args:
        computation: one of TFMA's.

    Raises:
        ValueError: It needs something else.
    """
    sums = columnar_sums(computation)
    if sums is None:
        raise ValueError(
            f"{computation.keys}: expected a computation that only needs sums, received {type(computation.combiner)}; "
            "this is a bug in split_specs, which should leave it to TFMA."
        )
    return sums


def computations_of(specs: list[config_pb2.MetricsSpec], eval_config: config_pb2.EvalConfig) -> Any:
    """Return TFMA's computations of metrics, separated by kind: derived, non-derived and cross-slice."""
    return by_row._filter_and_separate_computations(metric_specs.to_computations(specs, eval_config=eval_config))


class _EvaluateByColumns(beam.PTransform):
    """Computes TFMA's metrics, plots, attributions and validations from batches of extracts."""

    def __init__(self, eval_config: config_pb2.EvalConfig):
        super().__init__()
        self._eval_config = eval_config

    # Any: Beam writes a warning to standard error for every type hint that is not a PCollection.
    def expand(self, extracts: beam.PCollection) -> Any:
        columnar, others = split_specs(self._eval_config)
        parts = [self._by_columns(extracts, columnar)] if columnar else []
        if others or not columnar:
            parts.append(self._by_row(extracts, others))
        keys = (constants.METRICS_KEY, constants.PLOTS_KEY, constants.ATTRIBUTIONS_KEY)
        found = tfma_evaluator.combine_dict_based_evaluations({key: [part[key] for part in parts] for key in keys})
        found[constants.VALIDATIONS_KEY] = found[constants.METRICS_KEY] | "ValidateMetrics" >> beam.Map(
            metrics_validator.validate_metrics, self._eval_config
        )
        return found

    def _by_columns(
        self, extracts: beam.PCollection, specs: list[config_pb2.MetricsSpec]
    ) -> dict[str, beam.PCollection]:
        """Sum batches; then derive metrics, compare with the baseline and separate results by kind as TFMA does."""
        computations = computations_of(specs, self._eval_config)
        sums = [require_sums(one) for one in computations.non_derived_computations]
        baseline = model_util.get_baseline_model_spec(self._eval_config)
        sliced = (
            extracts
            | "SumSlices" >> beam.CombineGlobally(SliceSums(sums, self._eval_config)).without_defaults()
            | "EachSlice" >> beam.FlatMap(lambda slices: slices)
            | "AddDerivedCrossSliceAndDiffMetrics"
            >> by_row._AddDerivedCrossSliceAndDiffMetrics(
                computations.derived_computations,
                computations.cross_slice_computations,
                list(self._eval_config.cross_slicing_specs),
                baseline.name if baseline else None,
            )
            | "RemovePrivateMetrics" >> beam.MapTuple(by_row._remove_private_metrics)
        )
        kinds = {
            constants.METRICS_KEY: metric_types.MetricKey,
            constants.PLOTS_KEY: metric_types.PlotKey,
            constants.ATTRIBUTIONS_KEY: metric_types.AttributionsKey,
        }
        return {
            name: sliced | f"Filter[{name}]" >> beam.Map(by_row._filter_by_key_type, kind)
            for name, kind in kinds.items()
        }

    def _by_row(self, extracts: beam.PCollection, specs: list[config_pb2.MetricsSpec]) -> dict[str, beam.PCollection]:
        """Compute metrics row by row with TFMA's evaluator."""
        config = config_pb2.EvalConfig()
        config.CopyFrom(self._eval_config)
        del config.metrics_specs[:]
        config.metrics_specs.extend(specs)
        rows = extracts | "Unbatch" >> unbatch_extractor.UnbatchExtractor().ptransform
        sliced = rows | "SliceRows" >> slice_key_extractor.SliceKeyExtractor(eval_config=config).ptransform
        evaluation = sliced | "ByRow" >> by_row.MetricsPlotsAndValidationsEvaluator(eval_config=config).ptransform
        return dict(evaluation)
