"""Read statistics and anomalies as DataFrames. It loads neither TFX nor TensorFlow."""

from pathlib import Path

import numpy as np
import pandas as pd
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

from pipelines.runs.errors import RunError

_STATISTICS_FILE, _ANOMALIES_FILE = "FeatureStats.pb", "SchemaDiff.pb"  # TFX's file names
_COLUMNS = (
    "split", "feature", "type", "rows", "missing", "missing_share", "mean", "std_dev", "min", "median", "max",
    "zeros", "unique", "top", "top_share",
)  # fmt: skip


def read_statistics(statistics: Path, split: str) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Read the statistics of one split.

    Args:
        statistics: folder of the ExampleStatistics artifact.
        split: name of the split, such as "train".

    Returns:
        The statistics.

    Raises:
        RunError: There is no such split.
    """
    path = statistics / f"Split-{split}" / _STATISTICS_FILE
    if not path.is_file():
        raise RunError(f"no statistics at {path}: expected a split that is one of {list_splits(statistics)}")
    return statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes())


def list_splits(artifact: Path) -> list[str]:
    """Return the splits of an artifact, in reverse alphabetical order: train before eval."""
    return sorted((path.name.removeprefix("Split-") for path in artifact.glob("Split-*")), reverse=True)


def tabulate_statistics(statistics: Path) -> pd.DataFrame:
    """Tabulate statistics: one row per split and feature.

    Args:
        statistics: folder of the ExampleStatistics artifact.

    Returns:
        Columns split, feature, type (INT, FLOAT or STRING), rows, missing (rows without a value), missing_share; for
        numbers mean, std_dev, min, median, max, zeros; for strings and categorical integers unique, top (the most
        frequent value) and top_share (of all rows). A figure that does not apply is NaN or None.
    """
    rows = [
        _feature_row(split, feature, int(dataset.num_examples))
        for split in list_splits(statistics)
        for dataset in read_statistics(statistics, split).datasets
        for feature in dataset.features
    ]
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def tabulate_anomalies(anomalies: Path) -> pd.DataFrame:
    """Tabulate anomalies, including tolerated ones.

    Args:
        anomalies: folder of the ExampleAnomalies artifact.

    Returns:
        Columns split, feature, kind, short, description.
    """
    rows = []
    for split in list_splits(anomalies):
        content = (anomalies / f"Split-{split}" / _ANOMALIES_FILE).read_bytes()
        for name, info in sorted(anomalies_pb2.Anomalies.FromString(content).anomaly_info.items()):
            for reason in info.reason:
                kind = anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
                rows.append((split, name, kind, reason.short_description, reason.description))
    return pd.DataFrame(rows, columns=["split", "feature", "kind", "short", "description"])


def _feature_row(split: str, feature: statistics_pb2.FeatureNameStatistics, rows: int) -> dict[str, object]:
    strings = feature.HasField("string_stats")
    common = (feature.string_stats if strings else feature.num_stats).common_stats
    missing = rows - int(common.num_non_missing)
    row: dict[str, object] = dict.fromkeys(_COLUMNS, np.nan) | {
        "split": split,
        "feature": feature.name or ".".join(feature.path.step),
        "type": statistics_pb2.FeatureNameStatistics.Type.Name(feature.type),
        "rows": rows,
        "missing": missing,
        "missing_share": missing / rows if rows else np.nan,
        "top": None,
    }
    if strings:
        top = feature.string_stats.top_values
        return row | {
            "unique": int(feature.string_stats.unique),
            "top": top[0].value if top else None,
            "top_share": top[0].frequency / rows if top and rows else np.nan,
        }
    numbers = feature.num_stats
    return (
        row
        | {name: getattr(numbers, name) for name in ("mean", "std_dev", "min", "median", "max")}
        | {"zeros": int(numbers.num_zeros)}
    )
