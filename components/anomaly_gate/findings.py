"""Describe TFDV's anomalies for people: the rule, what was expected and observed, the share of rows, and a remedy."""

import dataclasses
import re
from collections.abc import Iterator, Mapping

from tensorflow_metadata.proto.v0 import anomalies_pb2, path_pb2, schema_pb2, statistics_pb2

from components.anomaly_gate.observations import ObservedColumn, as_clause, describe_expected, describe_remedy, observe

_Kind = anomalies_pb2.AnomalyInfo.Type
_DATASET = "(dataset)"
_COMPARATOR = "COMPARATOR_"  # prefix of the kinds that come from comparing two sets of statistics
_DISTANCES = {
    "L_INFTY": "an L-infinity distance",
    "JENSEN_SHANNON_DIVERGENCE": "a Jensen-Shannon divergence",
    "NORMALIZED_ABSOLUTE_DIFFERENCE": "a normalized absolute difference",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """A rule of the contract that a feature of a split breaks."""

    feature: str  # column name, or "(dataset)"
    split: str
    rule: str  # name of an AnomalyInfo.Type
    expected: str
    observed: str
    share: float | None  # share of rows, 0 to 1; None if it is unknown or the rule is not about rows
    share_is_least: bool = False  # the share is a lower bound, since the statistics do not give it exactly
    remedy: str

    def as_dict(self) -> dict[str, object]:
        """Return the fields for JSON; `Finding(**fields)` restores the finding."""
        return dataclasses.asdict(self)

    @property
    def difference(self) -> str:
        """What was expected, what was observed, and the share of rows."""
        least = "at least " if self.share_is_least else ""
        share = "" if self.share is None else f" ({least}{100 * self.share:.3g}% of rows)"
        return f"expected {self.expected}; observed {self.observed}{share}"

    def __str__(self) -> str:
        return f"{self.feature} ({self.split}): {self.rule}: {self.difference}; {self.remedy}"


def describe_violations(
    anomalies: anomalies_pb2.Anomalies,
    schema: schema_pb2.Schema,
    statistics: statistics_pb2.DatasetFeatureStatisticsList,
    split: str,
    contract: str,
) -> list[Finding]:
    """Describe every violation of the contract by one split.

    Args:
        anomalies: ExampleValidator's anomalies of the split.
        schema: the contract.
        statistics: statistics of the split.
        split: name of the split.
        contract: path of the contract, for the remedy.

    Returns:
        The findings, sorted by feature; those about the whole dataset come last.
    """
    rules = {feature.name: feature for feature in schema.feature}
    (dataset,) = statistics.datasets
    observed = {_last_step(feature.path): feature for feature in dataset.features}
    found = []
    for name, reason in _reasons(anomalies):
        kind = _Kind.Name(reason.type)
        column = ObservedColumn(name=name, rule=rules.get(name), seen=observed.get(name), rows=dataset.num_examples)
        text = reason.description or reason.short_description
        found.append(describe_finding(column, kind, schema, text, split=split, contract=contract))
    return found + [
        _dataset_finding(reason, split, contract)
        for reason in anomalies.dataset_anomaly_info.reason
        if not _is_comparison(reason)
    ]


def describe_finding(
    column: ObservedColumn, kind: str, schema: schema_pb2.Schema, tfdv_text: str, *, split: str, contract: str
) -> Finding:
    """Describe one violation of the contract by one column.

    Args:
        column: the column.
        kind: name of an AnomalyInfo.Type.
        schema: the contract.
        tfdv_text: TFDV's description, used for kinds that are not described here.
        split: name of the split.
        contract: path of the contract, for the remedy.

    Returns:
        The finding.
    """
    observation = observe(column, kind, schema, tfdv_text)
    return Finding(
        feature=column.name,
        split=split,
        rule=kind,
        expected=describe_expected(column, kind, schema),
        observed=observation.text,
        share=observation.share,
        share_is_least=observation.is_least,
        remedy=describe_remedy(column, kind, contract),
    )


def describe_comparisons(
    anomalies: anomalies_pb2.Anomalies, split: str, contract: str, why_splits_differ: str
) -> list[Finding]:
    """Describe drift from the last accepted data, and skew between train and eval.

    Args:
        anomalies: result of tfdv.validate_statistics with previous and serving statistics; anomalies of other kinds are
            left out.
        split: the split that was compared.
        contract: path of the contract, for the remedy.
        why_splits_differ: possible cause of a difference between train and eval.

    Returns:
        The findings.
    """
    causes = {
        "drift_comparator": "find out what changed in the data",
        "skew_comparator": f"{why_splits_differ}; add rows, split them differently",
    }
    found = [
        finding for info in anomalies.drift_skew_info for finding in _exceeded(info, anomalies, split, contract, causes)
    ]
    found += [
        Finding(
            feature=name,
            split=split,
            rule=_Kind.Name(reason.type),
            expected="the column in both sets of rows that are compared",
            observed=as_clause(reason.description),
            share=None,
            remedy=f"fill {name} in the data, or remove its comparators from {contract}",
        )
        for name, reason in _reasons(anomalies)
        if _is_comparison(reason) and not _Kind.Name(reason.type).endswith("_HIGH")
    ]
    return found + [
        _dataset_finding(reason, split, contract)
        for reason in anomalies.dataset_anomaly_info.reason
        if _is_comparison(reason)
    ]


def _exceeded(
    info: anomalies_pb2.DriftSkewInfo,
    anomalies: anomalies_pb2.Anomalies,
    split: str,
    contract: str,
    causes: Mapping[str, str],
) -> Iterator[Finding]:
    """Yield one finding for each measurement above its threshold."""
    name = _last_step(info.path)
    for comparator, measurements, against, marker in (
        ("drift_comparator", info.drift_measurements, "the last accepted data", "current and previous"),
        ("skew_comparator", info.skew_measurements, "the eval split", "training and serving"),
    ):
        for measured in measurements:
            if measured.value > measured.threshold:
                distance = anomalies_pb2.DriftSkewInfo.Measurement.Type.Name(measured.type)
                yield Finding(
                    feature=name,
                    split=split,
                    rule=f"{_COMPARATOR}{distance}_HIGH",
                    expected=f"{_DISTANCES.get(distance, distance)} of at most {measured.threshold:g} from {against}",
                    observed=f"{measured.value:.4g}{_most_changed(anomalies, name, marker)}",
                    share=None,
                    remedy=f"{causes[comparator]}, or raise {comparator} of {name} in {contract}",
                )


def _most_changed(anomalies: anomalies_pb2.Anomalies, name: str, marker: str) -> str:
    """Return a clause with the value whose share changed most, which TFDV gives only in its text; empty if none."""
    for column, reason in _reasons(anomalies):
        value = re.search("maximum difference is: (.+)", reason.description)
        if column == name and marker in reason.description and value:
            return f", most for {value[1]}"
    return ""


def _dataset_finding(reason: anomalies_pb2.AnomalyInfo.Reason, split: str, contract: str) -> Finding:
    return Finding(
        feature=_DATASET,
        split=split,
        rule=_Kind.Name(reason.type),
        expected=f"rows that meet dataset_constraints in {contract}",
        observed=as_clause(reason.description),
        share=None,
        remedy="provide other rows, or change dataset_constraints",
    )


def _reasons(anomalies: anomalies_pb2.Anomalies) -> Iterator[tuple[str, anomalies_pb2.AnomalyInfo.Reason]]:
    """Yield the name of the column and the reason of every anomaly, sorted by column."""
    for name, info in sorted(anomalies.anomaly_info.items()):
        for reason in info.reason:
            yield _last_step(info.path) or name, reason


def _is_comparison(reason: anomalies_pb2.AnomalyInfo.Reason) -> bool:
    return _Kind.Name(reason.type).startswith(_COMPARATOR)


def _last_step(path: path_pb2.Path) -> str:
    return path.step[-1] if path.step else ""
