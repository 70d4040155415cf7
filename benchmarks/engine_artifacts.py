"""Compare the artifacts of two runs of the same task, which may have used different engines.

Numbers that are sums may differ in their last bits, because each engine adds the parts of several files in its own
order. Everything else must be equal: rows, counts, strings, types.
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
    """List the differences, artifact by artifact; empty if all artifacts are equal after parsing.

    Args:
        one: the folder of a task's artifacts.
        other: the folder of another run's artifacts. An artifact that neither run wrote is not compared.

    Returns:
        "Node/artifact: part" for each difference. A part is a split, a feature, a file, or a metric of a slice.
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
    """Return whether two values are equal; floats in them may differ by rounding."""
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
    """Read the serialized rows of each split, in the order of the files."""
    return {split: list(_records(folder / f"Split-{split}")) for split in SPLITS}


def _parsed_examples(folder: Path) -> dict[str, object]:
    """Read the rows of each split, sorted by key: engines write rows in different orders."""
    return {split: _Rows(_records(folder / f"Split-{split}")) for split in SPLITS}


class _Rows:
    """Serialized rows, sorted by key. They are not kept parsed: 300,000 parsed rows would take gigabytes."""

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
    """Read the schema by feature: the order of features differs between engines."""
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
    """Return a metric's value as a plain type; TFMA stores it as `doubleValue`, or as bytes or text."""
    return {kind: float(value) if kind == "doubleValue" else value for kind, value in metric.items()}
