"""Metrics, slices and thresholds of the taxi task: what a model has to reach before it is pushed."""

import json

from tensorflow_model_analysis.proto import config_pb2

from components.signatures import SERVING_DEFAULT, TRANSFORM_FEATURES
from pipelines.taxi.features import LABEL

# Raw columns whose every value is looked at by itself.
SLICES = ("payment_type", "trip_start_hour", "company")
MIN_SLICE_ROWS = 100  # of the eval split; below that a slice's metrics are noise: none are shown, none can bless
# The tips of cash rides are not recorded, so that telling cash from card is most of the overall AUC. Among rides paid
# by card lies the real task, and it has a gate of its own.
OVERALL, CREDIT_CARD = config_pb2.SlicingSpec(), config_pb2.SlicingSpec(feature_values={"payment_type": "Credit Card"})


def make_eval_config() -> config_pb2.EvalConfig:
    """What the Evaluator computes, and what blesses.

    A constant prediction has ROC AUC 0.5 and log loss 0.53 at this label's rate; scikit-learn's gradient-boosted trees
    reach 0.954 to 0.957 and 0.197 to 0.207 on random splits of the same trips. Among card rides, where nearly two in
    three riders tip that much, an AUC of 0.67 is what there is to be had; its standard error is 0.014.
    """
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                signature_name=SERVING_DEFAULT, label_key=LABEL, preprocessing_function_names=[TRANSFORM_FEATURES]
            )
        ],
        slicing_specs=[OVERALL, *(config_pb2.SlicingSpec(feature_keys=[name]) for name in SLICES)],
        metrics_specs=[
            config_pb2.MetricsSpec(
                metrics=[
                    _metric(
                        "AUC",
                        _gate(OVERALL, at_least=0.94, change_at_least=-0.003),
                        _gate(CREDIT_CARD, at_least=0.62, change_at_least=-0.02),
                    ),
                    _metric("AUCPrecisionRecall", _gate(OVERALL, at_least=0.75)),
                    _metric("BinaryCrossEntropy", _gate(OVERALL, at_most=0.22)),
                    _metric("Calibration", _gate(OVERALL, at_least=0.9, at_most=1.1)),
                    _metric("BinaryAccuracy"),
                    _metric("ExampleCount", _gate(CREDIT_CARD, at_least=MIN_SLICE_ROWS)),
                ]
            )
        ],
    )


def _metric(class_name: str, *gates: config_pb2.PerSliceMetricThreshold) -> config_pb2.MetricConfig:
    # TFMA's default of 10,000 thresholds moves the areas by less than 0.0001, and costs seconds over many slices.
    config = json.dumps({"num_thresholds": 1000}) if class_name.startswith("AUC") else ""
    return config_pb2.MetricConfig(class_name=class_name, config=config, per_slice_thresholds=gates)


def _gate(
    where: config_pb2.SlicingSpec,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    change_at_least: float | None = None,
) -> config_pb2.PerSliceMetricThreshold:
    """Bounds on a metric's value, and on its change against the latest blessed model (larger is better).

    Always with a slice: TFMA holds a threshold without one against every slice there is, and a slice that
    Options.min_slice_size leaves out fails every threshold.
    """
    threshold = config_pb2.MetricThreshold()
    if at_least is not None:
        threshold.value_threshold.lower_bound.value = at_least
    if at_most is not None:
        threshold.value_threshold.upper_bound.value = at_most
    if change_at_least is not None:
        threshold.change_threshold.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
        threshold.change_threshold.absolute.value = change_at_least
    return config_pb2.PerSliceMetricThreshold(slicing_specs=[where], threshold=threshold)
