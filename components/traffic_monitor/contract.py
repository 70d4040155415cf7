"""Check a window against the contract, and measure TFDV's distances from training and from the window before."""

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

_KIND = anomalies_pb2.AnomalyInfo.Type


def describe_anomalies(anomalies: anomalies_pb2.Anomalies) -> list[dict[str, str]]:
    """Return column, kind and description of each anomaly that ExampleValidator found; the column may be empty."""
    found = [
        {"column": name, "kind": _KIND.Name(reason.type), "description": " ".join(reason.description.split())}
        for name, info in sorted(anomalies.anomaly_info.items())
        for reason in info.reason
    ]
    return found + [
        {"column": "", "kind": _KIND.Name(reason.type), "description": " ".join(reason.description.split())}
        for reason in anomalies.dataset_anomaly_info.reason
    ]


def distances(
    window: statistics_pb2.DatasetFeatureStatisticsList,
    contract: schema_pb2.Schema,
    *,
    training: statistics_pb2.DatasetFeatureStatisticsList | None,
    before: statistics_pb2.DatasetFeatureStatisticsList | None,
) -> dict[str, dict[str, dict[str, float]]]:
    """Return TFDV's distances of the columns that have a comparator in the contract.

    Args:
        window: statistics of the rows to judge.
        contract: with comparators for the columns whose values the log shows.
        training: statistics of the training rows, if they are known.
        before: statistics of the window before, if there is one.

    Returns:
        Column -> "skew" or "drift" -> "distance" and "threshold".
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    if training is not None:
        skew = tfdv.validate_statistics(training, contract, serving_statistics=window)
        _add(found, skew, "skew")
    if before is not None:
        drift = tfdv.validate_statistics(window, contract, previous_statistics=before)
        _add(found, drift, "drift")
    return found


def _add(found: dict[str, dict[str, dict[str, float]]], anomalies: anomalies_pb2.Anomalies, kind: str) -> None:
    for info in anomalies.drift_skew_info:
        measured = info.skew_measurements if kind == "skew" else info.drift_measurements
        for one in measured:
            column = found.setdefault(info.path.step[-1], {})
            column[kind] = {"distance": float(one.value), "threshold": float(one.threshold)}
