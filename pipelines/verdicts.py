"""What each gate decided, and why, in plain words."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import tensorflow_model_analysis as tfma
from tfx.components.evaluator import constants as evaluator_constants

from components import anomaly_gate, skew_gate
from components.anomaly_gate import AnomalyError
from pipelines.launch import FAILED, SKIPPED, NodeResult

OVERALL = "overall"
ANOMALY_GATE, EVALUATOR, SKEW_GATE = "AnomalyGate", "Evaluator", "SkewGate"

SliceMetrics = dict[str, dict[str, float]]  # slice in words -> metric -> value


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """A gate's decision."""

    gate: str  # the node
    passed: bool | None  # None: the run did not get there
    reasons: tuple[str, ...]  # in plain words; what decided, whichever way


def verdicts(results: Mapping[str, NodeResult], eval_config: tfma.EvalConfig) -> tuple[Verdict, ...]:
    """The decisions of the three gates, in the order of the run.

    Args:
        results: by node id.
        eval_config: of the task.
    """
    readers = {
        ANOMALY_GATE: _anomaly_verdict,
        EVALUATOR: lambda result: _evaluator_verdict(result, eval_config),
        SKEW_GATE: _skew_verdict,
    }
    return tuple(_verdict(results.get(gate), gate, read) for gate, read in readers.items())


def slice_metrics(evaluation: Path) -> SliceMetrics:
    """Metrics of the candidate per slice, from the Evaluator's output; those that are one number."""
    result = tfma.load_eval_result(str(evaluation), model_name=_candidate_name(evaluation))
    found: SliceMetrics = {}
    for key, outputs in result.slicing_metrics:
        numbers = found.setdefault(slice_in_words(key), {})
        for by_output in outputs.values():
            for by_class in by_output.values():
                numbers.update({name: value["doubleValue"] for name, value in by_class.items() if "doubleValue" in value})
    return dict(sorted(found.items(), key=lambda item: (item[0] != OVERALL, item[0])))


def slice_in_words(key: tuple[tuple[str, object], ...]) -> str:
    """(("payment_type", "Cash"),) -> "payment_type = Cash"; () -> "overall"."""
    return ", ".join(f"{name} = {value}" for name, value in key) or OVERALL


def _verdict(result: NodeResult | None, gate: str, read) -> Verdict:  # type: ignore[no-untyped-def]
    if result is None or result.state == SKIPPED:
        return Verdict(gate=gate, passed=None, reasons=("the run ended before it",))
    if result.state == FAILED:
        return Verdict(gate=gate, passed=False, reasons=_failure_reasons(result))
    return read(result)


def _failure_reasons(result: NodeResult) -> tuple[str, ...]:
    if isinstance(result.error, AnomalyError):
        return tuple(str(finding) for finding in result.error.findings)
    return (f"{type(result.error).__name__}: {result.error}",)


def _anomaly_verdict(result: NodeResult) -> Verdict:
    report = json.loads((result.uri("blessing") / anomaly_gate.REPORT_FILE).read_text())
    tolerated = [f"tolerated: {f['feature']} ({f['split']}): {f['rule']}: {f['observed']}" for f in report["tolerated"]]
    return Verdict(gate=ANOMALY_GATE, passed=True, reasons=("the data meets the contract", *tolerated))


def _skew_verdict(result: NodeResult) -> Verdict:
    report = json.loads((result.uri("blessing") / skew_gate.REPORT_FILE).read_text())
    if not report["blessed"]:
        return Verdict(gate=SKEW_GATE, passed=False, reasons=tuple(report["reasons"]) or ("no rows were compared",))
    sizes = ", ".join(str(size) for size in report["batch_sizes"])
    features = sum(comparison["name"].startswith("feature ") for comparison in report["comparisons"])
    text = f"0 differences over {report['rows']:,} rows, {features} features and batch sizes {sizes}"
    return Verdict(gate=SKEW_GATE, passed=True, reasons=(text,))


def _evaluator_verdict(result: NodeResult, eval_config: tfma.EvalConfig) -> Verdict:
    evaluation = result.uri("evaluation")
    blessed = any(
        output.properties.get(evaluator_constants.ARTIFACT_PROPERTY_BLESSED_KEY) == evaluator_constants.BLESSED_VALUE
        for output in result.outputs
        if output.key == "blessing"
    )
    validation = tfma.load_validation_result(str(evaluation))
    if not blessed:
        return Verdict(gate=EVALUATOR, passed=False, reasons=tuple(_failures(validation)))
    return Verdict(gate=EVALUATOR, passed=True, reasons=tuple(_met(slice_metrics(evaluation), eval_config)))


def _failures(validation: tfma.ValidationResult) -> Iterator[str]:
    """One line per threshold that was not met."""
    for per_slice in validation.metric_validations_per_slice:
        where = slice_in_words(tuple((k.column, _slice_value(k)) for k in per_slice.slice_key.single_slice_keys))
        for failure in per_slice.failures:
            value = failure.metric_value.double_value.value
            metric = failure.metric_key.name + (" (change from the blessed model)" if failure.metric_key.is_diff else "")
            yield f"{metric} on {where} is {value:.4f}, must be {_bound_in_words(failure.metric_threshold)}"
    for missing in validation.missing_slices:
        yield f"no rows for a slice with a threshold: {str(missing).strip()}"
    if not validation.validation_ok and not validation.metric_validations_per_slice and not validation.missing_slices:
        yield "TFMA refused the model without naming a metric; see the run's log"


def _slice_value(key: object) -> object:
    return getattr(key, key.WhichOneof("kind"))  # type: ignore[attr-defined]


def _bound_in_words(threshold: tfma.MetricThreshold) -> str:
    words = []
    value, change = threshold.value_threshold, threshold.change_threshold
    if value.HasField("lower_bound"):
        words.append(f"at least {value.lower_bound.value:g}")
    if value.HasField("upper_bound"):
        words.append(f"at most {value.upper_bound.value:g}")
    higher = change.direction == tfma.MetricDirection.HIGHER_IS_BETTER
    if change.HasField("absolute"):
        words.append(f"{'above' if higher else 'below'} {change.absolute.value:+g} against the blessed model")
    if change.HasField("relative"):
        words.append(f"{'above' if higher else 'below'} {change.relative.value:+.1%} of the blessed model")
    return " and ".join(words)


def _met(metrics: SliceMetrics, eval_config: tfma.EvalConfig) -> Iterator[str]:
    """One line per value threshold and slice, all of them met."""
    for spec in eval_config.metrics_specs:
        for metric in spec.metrics:
            name = _metric_name(metric)
            if metric.HasField("threshold"):
                yield from _met_on(name, metric.threshold, metrics, [OVERALL])
            for per_slice in metric.per_slice_thresholds:
                slices = [where for where in metrics if _covered(where, per_slice.slicing_specs)]
                yield from _met_on(name, per_slice.threshold, metrics, slices)


def _met_on(name: str, threshold: tfma.MetricThreshold, metrics: SliceMetrics, slices: list[str]) -> Iterator[str]:
    for where in slices:
        if name in metrics[where]:
            yield f"{name} on {where} is {metrics[where][name]:.4f}, must be {_bound_in_words(threshold)}"


def _metric_name(metric: tfma.MetricConfig) -> str:
    named = json.loads(metric.config or "{}").get("name")
    # TFMA names a metric after its class, in snake case, unless the config says otherwise.
    return named or tfma.metrics.registered_metrics()[metric.class_name]().name


def _covered(where: str, specs) -> bool:  # type: ignore[no-untyped-def]
    """Whether a slice in words belongs to one of the slicing specs."""
    pairs = dict(part.split(" = ", 1) for part in where.split(", ")) if where != OVERALL else {}
    return any(
        set(pairs) == {*spec.feature_keys, *spec.feature_values}
        and all(pairs[name] == value for name, value in spec.feature_values.items())
        for spec in specs
    )


def _candidate_name(evaluation: Path) -> str | None:
    """TFMA's name for the candidate: none when it was evaluated alone, "candidate" beside a baseline."""
    loaded = tfma.load_eval_config(str(evaluation)) if hasattr(tfma, "load_eval_config") else None
    return "candidate" if loaded is not None and len(loaded.model_specs) > 1 else None
