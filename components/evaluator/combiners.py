"""Map each of TFMA's combiners that only computes sums to the class that computes them by batch."""

from typing import Any

from tensorflow_model_analysis.metrics import (
    binary_confusion_matrices,
    calibration,
    calibration_histogram,
    cross_entropy_metrics,
    example_count,
    mean_regression_error,
    metric_types,
    metric_util,
    tf_metric_wrapper,
)

from components.evaluator import sums
from components.evaluator.keras_sums import KerasSums, is_mean_over_rows


def columnar_sums(computation: metric_types.MetricComputation) -> sums.Sums | None:
    """Return the sums of one of TFMA's computations; None if it is not known to compute only sums."""
    combiner = computation.combiner
    kind = type(combiner)
    # The preprocessor of a count only names the extracts that the count reads.
    if kind not in _SUMS or (computation.preprocessors and kind is not example_count._ExampleCountCombiner):
        return None
    return _SUMS[kind](combiner) if _LIMITS.get(kind, _unlimited)(combiner) else None


def _unlimited(combiner: Any) -> bool:
    return True


def _has_plain_matrices(combiner: Any) -> bool:
    own = combiner._extract_label_prediction_and_weight is not metric_util.to_label_prediction_example_weight
    return bool(combiner._enable_fractional_labels) and not combiner._example_id_key and not own


def _has_no_top_k(combiner: Any) -> bool:
    return combiner._key.sub_key is None or combiner._key.sub_key.top_k is None


_SUMS: dict[type, type[sums.Sums]] = {
    binary_confusion_matrices._BinaryConfusionMatrixCombiner: sums.ConfusionSums,
    calibration._WeightedLabelsPredictionsExamplesCombiner: sums.TotalSums,
    calibration_histogram._CalibrationHistogramCombiner: sums.HistogramSums,
    cross_entropy_metrics._BinaryCrossEntropyCombiner: sums.CrossEntropySums,
    example_count._ExampleCountCombiner: sums.CountSums,
    mean_regression_error._MeanAbsoluteErrorCombiner: sums.RegressionSums,
    mean_regression_error._MeanAbsolutePercentageErrorCombiner: sums.RegressionSums,
    mean_regression_error._MeanSquaredErrorCombiner: sums.RegressionSums,
    mean_regression_error._MeanSquaredLogarithmicErrorCombiner: sums.RegressionSums,
    tf_metric_wrapper._CompilableMetricsCombiner: KerasSums,
}
# combiner -> whether its settings are among those that the class in _SUMS implements
_LIMITS = {
    binary_confusion_matrices._BinaryConfusionMatrixCombiner: _has_plain_matrices,
    calibration._WeightedLabelsPredictionsExamplesCombiner: _has_no_top_k,
    tf_metric_wrapper._CompilableMetricsCombiner: is_mean_over_rows,
}
