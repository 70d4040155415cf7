"""Compare what two runs of the same task wrote, whatever engine each ran on.

Numbers that are sums may differ in their last bits: of several files, each engine adds up the parts in an order of its
own. All else is equal: rows, counts, words, types.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format, text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from components.row_keys import ROW_KEY

SPLITS = ("train", "eval")


def differences(one: Path, other: Path) -> list[str]:
    """List what differs, artifact by artifact; empty where all are equal once parsed.

    Args:
        one: the folder of a task's artifacts.
        other: that of another run. What a run did not come to is not compared.

    Returns:
        "Node/artifact: part" of each difference, a part being a split, a feature, a file or a metric of a slice.
    """
    compared = {
        "ExampleGen/examples": _examples,
        "StatisticsGen/statistics": _statistics,
        "SchemaGen/schema": _schema,
        "Transform/transformed_examples": _parsed_examples,
        "Transform/transform_graph": _vocabularies,
        "Evaluator/evaluation": _metrics,
    }
    found = []
    for name, read in compared.items():
        if (one / name).is_dir() or (other / name).is_dir():
            found += [f"{name}: {part}" for part in _unequal(read(_newest(one / name)), read(_newest(other / name)))]
    return found


def _unequal(one: dict[str, object], other: dict[str, object]) -> list[str]:
    return sorted(part for part in one.keys() | other.keys() if not _is_same(one.get(part), other.get(part)))


def _is_same(one: Any, other: Any) -> bool:
    """Return whether two values are equal, and floats in them equal within rounding."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_is_same(one[name], other[name]) for name in one)
    if isinstance(one, _Rows):
        return one.are_same(other)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, float):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-6) or (math.isnan(one) and math.isnan(other))
    return one == other


def _newest(folder: Path) -> Path:
    return max(folder.iterdir(), key=lambda path: int(path.name))


def _records(folder: Path) -> Iterator[bytes]:
    files = sorted(map(str, folder.glob("*.gz")))
    return iter(tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator())


def _examples(folder: Path) -> dict[str, object]:
    """Every byte, in its order."""
    return {split: list(_records(folder / f"Split-{split}")) for split in SPLITS}


def _parsed_examples(folder: Path) -> dict[str, object]:
    """Every row, in the order of keys: that of rows and files is the engine's, that of features the encoder's."""
    return {split: _Rows(_records(folder / f"Split-{split}")) for split in SPLITS}


class _Rows:
    """Serialized rows in the order of their keys. Parsed, those of 300,000 would take gigabytes."""

    def __init__(self, rows: Iterator[bytes]) -> None:
        self._rows = sorted(rows, key=lambda row: _parsed(row)[ROW_KEY])

    def are_same(self, other: "_Rows") -> bool:
        return len(self._rows) == len(other._rows) and all(
            _is_same(_parsed(one), _parsed(two)) for one, two in zip(self._rows, other._rows, strict=True)
        )


def _parsed(serialized: bytes) -> dict[str, list[object]]:
    features = tf.train.Example.FromString(serialized).features.feature
    return {
        name: [*value.float_list.value, *value.int64_list.value, *value.bytes_list.value]
        for name, value in features.items()
    }


def _statistics(folder: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for split in SPLITS:
        content = (folder / f"Split-{split}" / "FeatureStats.pb").read_bytes()
        (dataset,) = statistics_pb2.DatasetFeatureStatisticsList.FromString(content).datasets
        found[split] = dataset.num_examples
        found |= {f"{split} {each.path.step[0]}": json_format.MessageToDict(each) for each in dataset.features}
    return found


def _schema(folder: Path) -> dict[str, object]:
    """By feature: their order is that of the statistics, which an engine chooses."""
    schema = text_format.Parse((folder / "schema.pbtxt").read_text(), schema_pb2.Schema())
    return {each.name: each.SerializeToString(deterministic=True) for each in schema.feature}


def _files(folder: Path) -> dict[str, object]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _vocabularies(folder: Path) -> dict[str, object]:
    return _files(folder / "transform_fn" / "assets") | _files(folder / "transformed_metadata")


def _metrics(folder: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, by_output in tfma.load_eval_result(str(folder)).slicing_metrics:
        for metric, value in by_output[""][""].items():
            found[json.dumps([list(map(str, part)) for part in key] + [metric])] = _plain(value)
    return found


def _plain(metric: dict[str, Any]) -> dict[str, object]:
    """Return a metric's value, which TFMA gives as `doubleValue`, or as bytes or text."""
    return {kind: float(value) if kind == "doubleValue" else value for kind, value in metric.items()}
