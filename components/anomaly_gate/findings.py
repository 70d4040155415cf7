"""Describe TFDV's anomalies for people: the rule, what was expected and observed, the share of rows, and a remedy."""

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping
from statistics import NormalDist

from tensorflow_metadata.proto.v0 import anomalies_pb2, path_pb2, schema_pb2, statistics_pb2

from components.anomaly_gate.observations import (
    GAPS,
    NO_VALUE,
    OTHER_SHAPE,
    ObservedColumn,
    as_clause,
    describe_expected,
    describe_remedy,
    observe,
)

_Kind = anomalies_pb2.AnomalyInfo.Type
_DATASET = "(dataset)"
_COMPARATOR = "COMPARATOR_"  # prefix of the kinds that come from comparing two sets of statistics
_FALSE_ALARMS = 0.01  # probability that chance alone moves some share of a column further than `_chance_limit`
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
    of_rows: int | None = None  # rows of the split; None: the finding is older, or not about rows
    first_row: str = ""  # values of the first row that breaks the rule; empty if it is unknown
    remedy: str

    def as_dict(self) -> dict[str, object]:
        """Return the fields for JSON; `Finding(**fields)` restores the finding."""
        return dataclasses.asdict(self)

    @property
    def difference(self) -> str:
        """What was expected, what was observed, in how many rows, and the first of them."""
        first = f", first in the row with {self.first_row}" if self.first_row else ""
        return f"expected {self.expected}; observed {self.observed}{self._describe_share()}{first}"

    def __str__(self) -> str:
        return f"{self.feature} ({self.split}): {self.difference}; {self.remedy} [{self.rule}]"

    def _describe_share(self) -> str:
        if self.share is None:
            return ""
        least = "at least " if self.share_is_least else ""
        if self.of_rows is None:
            return f" ({least}{100 * self.share:.3g}% of rows)"
        return f" in {least}{round(self.share * self.of_rows):,} of {self.of_rows:,} rows"


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


def merge_causes(found: list[Finding]) -> list[Finding]:
    """Return the findings without those that a gap in the same column explains: an empty cell has no shape either."""
    gaps = {(finding.feature, finding.split) for finding in found if finding.rule in GAPS}
    return [
        finding
        for finding in found
        if not (finding.rule == OTHER_SHAPE and finding.observed == NO_VALUE)
        or (finding.feature, finding.split) not in gaps
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
        of_rows=column.rows,
        remedy=describe_remedy(column, kind, contract),
    )


def describe_comparisons(
    anomalies: anomalies_pb2.Anomalies,
    split: str,
    contract: str,
    why_splits_differ: str,
    current: statistics_pb2.DatasetFeatureStatisticsList,
    previous: statistics_pb2.DatasetFeatureStatisticsList | None = None,
    serving: statistics_pb2.DatasetFeatureStatisticsList | None = None,
) -> list[Finding]:
    """Describe drift from the last accepted data, and skew between train and eval.

    Args:
        anomalies: result of tfdv.validate_statistics with previous and serving statistics; anomalies of other kinds are
            left out.
        split: the split that was compared.
        contract: path of the contract, for the remedy.
        why_splits_differ: possible cause of a difference between train and eval.
        current: statistics of the split that was compared.
        previous: statistics of the last accepted data; None if there are none.
        serving: statistics of the eval split; None if it was not compared.

    Returns:
        The findings.
    """
    causes = {
        "drift_comparator": "find out what changed in the data",
        "skew_comparator": f"{why_splits_differ}; add rows, split them differently",
    }
    others = {"drift_comparator": previous, "skew_comparator": serving}
    found = [
        finding
        for info in anomalies.drift_skew_info
        for finding in _exceeded(info, anomalies, split, contract, causes, current, others)
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
    current: statistics_pb2.DatasetFeatureStatisticsList,
    others: Mapping[str, statistics_pb2.DatasetFeatureStatisticsList | None],
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
                chance = ""
                if distance == "L_INFTY":
                    chance = _explain_by_chance(_count(current, name), _count(others[comparator], name), measured.value)
                yield Finding(
                    feature=name,
                    split=split,
                    rule=f"{_COMPARATOR}{distance}_HIGH",
                    expected=f"{_DISTANCES.get(distance, distance)} of at most {measured.threshold:g} from {against}",
                    observed=f"{measured.value:.4g}{_most_changed(anomalies, name, marker)}{chance}",
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


def _count(statistics: statistics_pb2.DatasetFeatureStatisticsList | None, name: str) -> dict[str, float]:
    """Return the rows of each value of a column; empty if the statistics do not count its values."""
    if statistics is None:
        return {}
    features = {_last_step(feature.path): feature for feature in statistics.datasets[0].features}
    return ObservedColumn(name=name, rule=None, seen=features.get(name), rows=0).counts


def _explain_by_chance(current: Mapping[str, float], other: Mapping[str, float], observed: float) -> str:
    """Return a clause that says that chance alone moves a share this far with this many rows; empty if it does not.

    Args:
        current: rows of each value in the split that was compared.
        other: rows of each value in the rows that it was compared with.
        observed: largest difference of a value's share.

    Example:
        >>> _explain_by_chance({"a": 45, "b": 35}, {"a": 60, "b": 80}, observed=0.134)
        '; with 80 and 140 rows chance alone moves a share by up to 0.2'
        >>> _explain_by_chance({"a": 4500, "b": 3500}, {"a": 6000, "b": 8000}, observed=0.134)
        ''
    """
    limit = _chance_limit(current, other)
    if observed > limit:
        return ""
    few, many = (f"{sum(counts.values()):,.0f}" for counts in (current, other))
    return f"; with {few} and {many} rows chance alone moves a share by up to {limit:.2g}"


def _chance_limit(current: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Return the difference of a value's share that chance exceeds with a probability of _FALSE_ALARMS at most.

    It is a normal approximation, at the share whose difference varies most. The values share the probability equally.
    """
    few, many = sum(current.values()), sum(other.values())
    if not few or not many:
        return 0.0
    values = current.keys() | other.keys()
    shares = [(current.get(value, 0) + other.get(value, 0)) / (few + many) for value in values]
    deviation = math.sqrt(max(share * (1 - share) for share in shares) * (1 / few + 1 / many))
    return NormalDist().inv_cdf(1 - _FALSE_ALARMS / 2 / len(values)) * deviation


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
