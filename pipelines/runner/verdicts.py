"""Read the decision of each gate from what it wrote, with its reasons in words."""

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2, validation_result_pb2

from components.anomaly_gate import component as anomaly_gate
from components.anomaly_gate.component import AnomalyError
from components.anomaly_gate.findings import Finding
from components.skew_gate import component as skew_gate
from components.skew_gate.coverage import describe_coverage
from pipelines.evaluation.comparison_words import describe_comparison
from pipelines.evaluation.model_comparison import (
    NOT_COMPARED,
    REPORT_FILE,
    TIE,
    WORSE,
    ModelComparison,
    comparison_from_dict,
)
from pipelines.evaluation.slices import Slice, slice_in_words
from pipelines.evaluation.tfma_results import Values, read_values, slice_of
from pipelines.fairness.findings import read_findings
from pipelines.nodes import ANOMALY_GATE, BETTER_GATE, EVALUATOR, SKEW_GATE
from pipelines.runner.results import FAILED, SKIPPED, Latency, NodeResult, Verdict

_LARGE = 10_000  # numbers from this one on are shown without decimals, as in the report


def read_verdicts(results: Mapping[str, NodeResult], names: Mapping[str, str] | None = None) -> tuple[Verdict, ...]:
    """Read the decisions of AnomalyGate, Evaluator, SkewGate, and BetterGate if the pipeline has it.

    Args:
        results: the results of the run's nodes, by node id.
        names: folder of a model -> the version that it was pushed as.

    Returns:
        The decisions, in that order.
    """
    readers: dict[str, Callable[[NodeResult], Verdict]]
    readers = {ANOMALY_GATE: _read_anomaly_verdict, EVALUATOR: _read_evaluator_verdict, SKEW_GATE: _read_skew_verdict}
    if BETTER_GATE in results:
        readers[BETTER_GATE] = functools.partial(_read_comparison_verdict, names=names or {})
    return tuple(_read_verdict(results.get(gate), gate, read) for gate, read in readers.items())


def read_comparison(results: Mapping[str, NodeResult]) -> ModelComparison | None:
    """Return BetterGate's comparison; None if the pipeline has no BetterGate, or it wrote nothing."""
    gate = results.get(BETTER_GATE)
    if gate is None or not gate.outputs:
        return None
    return comparison_from_dict(json.loads((gate.uri("comparison") / REPORT_FILE).read_text()))


def read_headline_metrics(evaluation: Path) -> list[tuple[str, float]]:
    """Return the first two metrics that have a threshold, with the candidate's values over all rows."""
    values = read_values(evaluation)
    config = tfma.load_eval_result(str(evaluation)).config
    thresholds = tfma.metrics.metric_thresholds_from_metrics_specs(config.metrics_specs, eval_config=config)
    names = dict.fromkeys(key.name for key in thresholds)
    return [(name, values[(), name, False]) for name in names if ((), name, False) in values][:2]


def read_latency(results: Mapping[str, NodeResult]) -> Latency:
    """Return the latency of one row by transport, as SkewGate measured it; empty if SkewGate wrote nothing."""
    gate = results.get(SKEW_GATE)
    return _read_skew_report(gate)["latency"] if gate is not None and gate.outputs else {}


def _read_verdict(result: NodeResult | None, gate: str, read: Callable[[NodeResult], Verdict]) -> Verdict:
    if result is None or result.state == SKIPPED:
        return Verdict(gate=gate, passed=None, reasons=("the run ended before this gate",))
    if isinstance(result.error, AnomalyError):
        return Verdict(gate=gate, passed=False, reasons=tuple(str(finding) for finding in result.error.findings))
    if result.state == FAILED:
        return Verdict(gate=gate, passed=None, reasons=("the gate failed before it decided",))
    return read(result)


def _read_anomaly_verdict(result: NodeResult) -> Verdict:
    report = json.loads((result.uri("blessing") / anomaly_gate.REPORT_FILE).read_text())
    tolerated = [f"tolerated: {Finding(**record)}" for record in report["tolerated"]]
    return Verdict(gate=ANOMALY_GATE, passed=True, reasons=("the data meets the contract", *tolerated))


def _read_comparison_verdict(result: NodeResult, names: Mapping[str, str]) -> Verdict:
    found = read_comparison({BETTER_GATE: result})
    assert found is not None  # _read_verdict returns before this if the gate failed.
    word = TIE if found.outcome in (TIE, NOT_COMPARED) else ""
    passed = found.outcome != WORSE
    return Verdict(gate=BETTER_GATE, passed=passed, reasons=describe_comparison(found, names), word=word)


def _read_skew_verdict(result: NodeResult) -> Verdict:
    report = _read_skew_report(result)
    if not report["blessed"]:
        return Verdict(gate=SKEW_GATE, passed=False, reasons=tuple(report["reasons"]) or ("no rows were compared",))
    reasons = (*describe_coverage(report), *_describe_rounding(report["comparisons"]))
    return Verdict(gate=SKEW_GATE, passed=True, reasons=reasons)


def _describe_rounding(comparisons: list[dict[str, Any]]) -> Iterator[str]:
    """Yield one line about the features that differ only by rounding; none if there is no such feature."""
    found = {one["name"]: one["rounding"] for one in comparisons if one["name"].startswith("feature ")}
    rounded = {name: rounding for name, rounding in found.items() if rounding["rows"] or rounding["at_edge"]}
    if not rounded:
        return
    rows, steps, edge = (max(one[count] for one in rounded.values()) for count in ("rows", "steps", "at_edge"))
    operations = dict.fromkeys(name for one in rounded.values() for name in one["operations"])
    likely = f", likely from {', '.join(operations)}" if operations else ""
    at_edge = f"; up to {edge:,} rows at an edge" if edge else ""
    features = f"{len(rounded)} feature{'s' * (len(rounded) > 1)}"
    yield f"rounding in {features}: up to {rows:,} rows and {steps:.1f} float32 steps{likely}{at_edge}"


def _read_skew_report(skew_gate_result: NodeResult) -> dict[str, Any]:
    return json.loads((skew_gate_result.uri("blessing") / skew_gate.REPORT_FILE).read_text())


def _read_evaluator_verdict(result: NodeResult) -> Verdict:
    evaluation = result.uri("evaluation")
    blessed = any(output.properties.get("blessed") == 1 for output in result.outputs if output.key == "blessing")
    fairness = read_findings(result.uri("blessing"))
    if blessed:
        met = dict.fromkeys(_list_met_thresholds(evaluation))
        return Verdict(gate=EVALUATOR, passed=True, reasons=(*met, *fairness.reasons))
    missed = _list_missed_thresholds(tfma.load_validation_result(str(evaluation)), read_values(evaluation))
    refusals = (*missed, *(() if fairness.passed else fairness.reasons))
    return Verdict(gate=EVALUATOR, passed=False, reasons=refusals or ("TFMA named no metric; see the run's log",))


def _list_missed_thresholds(validation: validation_result_pb2.ValidationResult, values: Values) -> Iterator[str]:
    """Yield a line for each threshold that was not met, with the value."""
    for per_slice in validation.metric_validations_per_slice:
        where = slice_of(per_slice.slice_key)
        for failure in per_slice.failures:
            name, threshold = failure.metric_key.name, failure.metric_threshold
            bound = threshold.change_threshold if failure.metric_key.is_diff else threshold.value_threshold
            if failure.HasField("metric_value"):
                yield _describe_result(name, where, failure.metric_value.double_value.value, bound, "NOT ")
            else:
                yield f"{name} on {slice_in_words(where)} was not computed, and has a threshold"
    for spec in validation.missing_slices:
        # TFMA also lists a slice as missing when the same bound already failed by another slicing spec.
        if not any(_covers(spec, where) for where, _, _ in values):
            columns = (
                *spec.feature_keys,
                *(f"{name} = {value}" for name, value in sorted(spec.feature_values.items())),
            )
            yield f"no rows for a slice that has a threshold: {', '.join(columns)}"


def _list_met_thresholds(evaluation: Path) -> Iterator[str]:
    """Yield a line for each threshold and slice that a blessed model met, with the value.

    A line may come twice: with a baseline, TFMA lists each threshold once for each of the two models.
    """
    values = read_values(evaluation)
    config = tfma.load_eval_result(str(evaluation)).config
    thresholds = tfma.metrics.metric_thresholds_from_metrics_specs(config.metrics_specs, eval_config=config)
    for key, bounds in thresholds.items():
        for spec, bound in bounds:
            for (where, name, is_diff), value in values.items():
                if (name, is_diff) == (key.name, key.is_diff) and _covers(spec, where):
                    yield _describe_result(name, where, value, bound)


def _covers(spec: config_pb2.SlicingSpec | None, where: Slice) -> bool:
    """Tell whether a slicing spec covers a slice; TFMA applies a threshold without a spec to every slice."""
    if spec is None:
        return True
    values = dict(where)
    return set(values) == {*spec.feature_keys, *spec.feature_values} and all(
        values[name] == value for name, value in spec.feature_values.items()
    )


def _describe_result(name: str, where: Slice, value: float, bound: Any, negation: str = "") -> str:
    """Describe a value and its bound: `auc on overall is 0.9571: at least 0.93`."""
    if isinstance(bound, config_pb2.GenericChangeThreshold):
        return f"change of {name} on {slice_in_words(where)} is {value:+.4f}: {negation}{_describe_change_bound(bound)}"
    is_count = value.is_integer() and value >= 100
    shown = f"{value:,.0f}" if is_count or abs(value) >= _LARGE else f"{value:.4f}"
    return f"{name} on {slice_in_words(where)} is {shown}: {negation}{_describe_bound(bound)}"


def _describe_bound(bound: config_pb2.GenericValueThreshold) -> str:
    low, high = bound.HasField("lower_bound"), bound.HasField("upper_bound")
    words = [f"at least {_format_bound(bound.lower_bound.value)}"] * low
    words += [f"at most {_format_bound(bound.upper_bound.value)}"] * high
    return " and ".join(words)


def _format_bound(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:g}"


def _describe_change_bound(bound: config_pb2.GenericChangeThreshold) -> str:
    side = "at least" if bound.direction == config_pb2.MetricDirection.HIGHER_IS_BETTER else "at most"
    words = [f"{side} {bound.absolute.value:+g}"] * bound.HasField("absolute")
    words += [f"{side} {bound.relative.value:+.1%}"] * bound.HasField("relative")
    return f"{' and '.join(words)} against the version pushed before"
