"""What is wrong with the data, in plain words: rule, expected, observed, share of rows, and what to do."""

import dataclasses

from tensorflow_metadata.proto.v0 import anomalies_pb2, path_pb2, schema_pb2, statistics_pb2

_Kind = anomalies_pb2.AnomalyInfo.Type
_DATASET = "(dataset)"
_COMPARISONS = frozenset(kind for kind in _Kind.keys() if kind.startswith("COMPARATOR_"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One rule of the contract that one feature of one split breaks."""

    feature: str  # column name, or "(dataset)"
    split: str
    rule: str  # name of an AnomalyInfo.Type
    expected: str
    observed: str
    share: float | None  # of rows, 0 to 1; None where it is not a matter of rows
    remedy: str

    def as_dict(self) -> dict[str, object]:
        """For reports."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        share = "" if self.share is None else f", {self.share:.1%} of rows"
        return (
            f"{self.feature} ({self.split}): {self.rule}: expected {self.expected}; "
            f"observed {self.observed}{share}; {self.remedy}"
        )


def is_comparison(kind: int) -> bool:
    """Whether an anomaly kind comes from comparing two sets of statistics (drift, skew)."""
    return _Kind.Name(kind) in _COMPARISONS


def describe(
    anomalies: anomalies_pb2.Anomalies,
    schema: schema_pb2.Schema,
    statistics: statistics_pb2.DatasetFeatureStatisticsList,
    split: str,
    contract: str,
) -> list[Finding]:
    """Turns TFDV's anomalies of one split into findings, ordered by feature.

    Args:
        anomalies: as ExampleValidator or tfdv.validate_statistics made them.
        schema: the contract.
        statistics: of the split, for shares of rows.
        split: its name.
        contract: path of the contract, for the remedy.
    """
    features = {feature.name: feature for feature in schema.feature}
    observed = {_last_step(stats.path): stats for stats in statistics.datasets[0].features}
    rows = statistics.datasets[0].num_examples
    found = []
    for name in sorted(anomalies.anomaly_info):
        info = anomalies.anomaly_info[name]
        column = _last_step(info.path) or name
        for reason in info.reason:
            kind = _Kind.Name(reason.type)
            found.append(
                Finding(
                    feature=column,
                    split=split,
                    rule=kind,
                    expected=_expected(features.get(column), kind, schema),
                    observed=_sentence(reason.description or reason.short_description),
                    share=_share(features.get(column), observed.get(column), kind, rows, schema),
                    remedy=_remedy(column, kind, contract),
                )
            )
    for reason in anomalies.dataset_anomaly_info.reason:
        kind = _Kind.Name(reason.type)
        found.append(
            Finding(
                feature=_DATASET,
                split=split,
                rule=kind,
                expected=f"the dataset constraints of {contract}",
                observed=_sentence(reason.description),
                share=None,
                remedy=_remedy("the data", kind, contract),
            )
        )
    return found


def _last_step(path: path_pb2.Path) -> str:
    return path.step[-1] if path.step else ""


def _sentence(text: str) -> str:
    return " ".join(text.split()).rstrip(".")


def _expected(feature: schema_pb2.Feature | None, kind: str, schema: schema_pb2.Schema) -> str:
    if feature is None:
        return "no such column"
    if kind in _COMPARISONS:
        return f"a distance below the {_comparator(feature, kind)}"
    parts = [schema_pb2.FeatureType.Name(feature.type), *_domain(feature, schema)]
    if feature.presence.min_fraction:
        parts.append(f"present in at least {feature.presence.min_fraction:.0%} of rows")
    return ", ".join(parts)


def _comparator(feature: schema_pb2.Feature, kind: str) -> str:
    thresholds = []
    for name in ("drift_comparator", "skew_comparator"):
        if feature.HasField(name):
            comparator = getattr(feature, name)
            for field, value in comparator.ListFields():
                thresholds.append(f"{name} threshold {value.threshold:g} ({field.name})")
    return " and ".join(thresholds) or kind


def _domain(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> list[str]:
    which = feature.WhichOneof("domain_info")
    if which in ("int_domain", "float_domain"):
        domain = getattr(feature, which)
        low = domain.min if domain.HasField("min") else "-inf"
        high = domain.max if domain.HasField("max") else "inf"
        return [f"{low} to {high}"]
    values = _known_values(feature, schema)
    if values:
        shown = ", ".join(sorted(values)[:8]) + (", …" if len(values) > 8 else "")
        mass = feature.distribution_constraints.min_domain_mass if feature.HasField("distribution_constraints") else 1.0
        return [f"at least {mass:.0%} of values among {{{shown}}}"]
    return []


def _known_values(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> frozenset[str]:
    if feature.HasField("string_domain"):
        return frozenset(feature.string_domain.value)
    if feature.HasField("domain"):
        return frozenset(value for domain in schema.string_domain if domain.name == feature.domain
                         for value in domain.value)
    return frozenset()


def _share(
    feature: schema_pb2.Feature | None,
    stats: statistics_pb2.FeatureNameStatistics | None,
    kind: str,
    rows: int,
    schema: schema_pb2.Schema,
) -> float | None:
    """The share of rows that break the rule, where the statistics tell."""
    if kind in _COMPARISONS or not rows:
        return None
    if stats is None:
        return 1.0
    common = stats.string_stats.common_stats if stats.HasField("string_stats") else stats.num_stats.common_stats
    if kind == "SCHEMA_NEW_COLUMN":
        return common.num_non_missing / rows
    if kind.startswith("FEATURE_TYPE_") or kind == "SCHEMA_MISSING_COLUMN":
        return 1 - common.num_non_missing / rows
    if kind == "ENUM_TYPE_UNEXPECTED_STRING_VALUES" and feature is not None:
        known = _known_values(feature, schema)
        buckets = stats.string_stats.rank_histogram.buckets
        return sum(bucket.sample_count for bucket in buckets if bucket.label not in known) / rows
    if kind == "UNEXPECTED_DATA_TYPE":
        return common.num_non_missing / rows
    return None


def _remedy(column: str, kind: str, contract: str) -> str:
    if kind == "SCHEMA_NEW_COLUMN":
        return f"drop the column from the data, or add {column} to {contract}"
    if kind == "SCHEMA_MISSING_COLUMN":
        return f"add the column to the data, or remove {column} from {contract}"
    if kind in _COMPARISONS:
        return f"find out what changed in the data, or move the comparator of {column} in {contract}"
    return f"fix {column} in the data, or change it in {contract}"
