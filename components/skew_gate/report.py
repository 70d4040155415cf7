"""Compares the paths of the same rows: counts rows compared and rows that differ, and keeps the worst."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from components.candidate_serving.transports import GRPC_COLUMNS, REST_COLUMNS, REST_ROWS, TransportPredictions
from components.skew_gate.batch_path import BatchChunk
from components.skew_gate.bitwise import Arrays, are_reordered, describe_type, row_distances
from components.skew_gate.model_probe import feature_values

Pair = tuple[np.ndarray, np.ndarray]

_BATCH_PATH, _EXPORTED, _SERVER = "batch path", "exported model", "model server"
_BIT_FOR_BIT = "equal bit for bit"
_REORDERED = "raw and transformed examples hold the same rows in another order: rows cannot be paired by position"


@dataclasses.dataclass(frozen=True, kw_only=True)
class WorstRow:
    """The row that differs most."""

    row: int  # counted from 0, in the order of the files
    raw: dict[str, object]  # its raw values
    values: dict[str, object]  # side -> value
    distance: float  # largest absolute difference; 1 between strings


@dataclasses.dataclass(kw_only=True)
class Comparison:
    """How two sides of one column differ."""

    name: str
    rule: str  # how close the sides must be
    rows: int = 0
    differences: int = 0  # rows that break the rule
    worst: WorstRow | None = None
    problem: str | None = None  # why the sides cannot be compared, such as another dtype; then every row differs

    def reason(self) -> str:
        """Describes the difference in plain words."""
        if self.worst is None:
            return f"{self.name}: {self.problem}"
        values = ", ".join(f"{side} {value!r}" for side, value in self.worst.values.items())
        return (
            f"{self.name}: {self.differences} of {self.rows} rows are not {self.rule}; "
            f"worst at row {self.worst.row}: {values}, raw row {self.worst.raw}"
        )


class SkewReport:
    """Collects comparisons, chunk of rows by chunk of rows."""

    def __init__(self, *, batch_sizes: tuple[int, ...], tolerance: float):
        """Starts empty.

        Args:
            batch_sizes: rows a call.
            tolerance: largest difference of a prediction across batch sizes, and between the batch path and the model
                server; relative for predictions beyond 1, whose scale is their own.
        """
        self._batch_sizes = batch_sizes
        self._tolerance = tolerance
        self._comparisons: dict[str, Comparison] = {}
        self._refusals: list[str] = []
        self._seconds: dict[str, list[float]] = {}
        self._rows = 0

    @property
    def blessed(self) -> bool:
        """Whether rows were compared and there is no reason to refuse the model."""
        return bool(self._rows) and not self.reasons()

    def refuse(self, reason: str) -> None:
        """Adds a reason that is not about single rows."""
        self._refusals.append(reason)

    def reasons(self) -> list[str]:
        """Returns why the model is refused, in plain words; empty when it is not."""
        return self._refusals + [c.reason() for c in self._comparisons.values() if c.differences]

    def add(
        self, batch: BatchChunk, exported: Arrays, raw: np.ndarray, served: TransportPredictions | None = None
    ) -> None:
        """Compares one chunk of rows.

        Args:
            batch: features and predictions of the batch path.
            exported: outputs of the exported model, named as model_probe.load_predictor says.
            raw: serialized raw tf.Examples [rows], for the report.
            served: the model server's predictions; None when it does not serve the model.
        """
        self._add_features(batch.features, exported, raw)
        for signature in ("serving_default", "serving_raw"):
            self._add_signature(signature, batch.predictions, exported, raw)
        if served is not None:
            sample = served.sample
            largest = max(self._batch_sizes)
            self._add_transports(largest, batch.predictions[largest], served.batched, raw, range(len(raw)))
            self._add_transports(1, batch.predictions[1][sample], served.single, raw[sample], sample)
            for transport, seconds in served.seconds.items():
                self._seconds.setdefault(transport, []).extend(seconds)
        self._rows += len(raw)

    def latency(self) -> dict[str, dict[str, float]]:
        """Returns per transport the number of single requests, and their median and 95th percentile in milliseconds."""
        return {
            transport: {
                "calls": len(seconds),
                "p50_ms": round(1e3 * float(np.percentile(seconds, 50)), 3),
                "p95_ms": round(1e3 * float(np.percentile(seconds, 95)), 3),
            }
            for transport, seconds in self._seconds.items()
            if seconds
        }

    def as_dict(self) -> dict[str, object]:
        """Returns the whole report, for JSON."""
        return {
            "blessed": self.blessed,
            "rows": self._rows,
            "batch_sizes": list(self._batch_sizes),
            "tolerance": self._tolerance,
            "differences": sum(c.differences for c in self._comparisons.values()),
            "reasons": self.reasons(),
            "latency": self.latency(),
            "comparisons": [dataclasses.asdict(c) for c in self._comparisons.values()],
        }

    @property
    def _tolerance_rule(self) -> str:
        return f"within {self._tolerance:g} (relative beyond 1)"

    def _comparison(self, name: str, rule: str) -> Comparison:
        return self._comparisons.setdefault(name, Comparison(name=name, rule=rule))

    def _add_features(self, features: Arrays, exported: Arrays, raw: np.ndarray) -> None:
        by_size = [_select_prefix(f"transform_features/{size}/", exported) for size in self._batch_sizes]
        for name in sorted(features.keys() | {name for columns in by_size for name in columns}):
            comparison = self._comparison(f"feature {name}", _BIT_FOR_BIT)
            outputs = [columns[name] for columns in by_size if name in columns]
            if name not in features:
                _mark_incomparable(comparison, "the exported model has it, Transform did not write it", len(raw))
            elif len(outputs) < len(by_size):
                _mark_incomparable(comparison, "Transform wrote it, the exported model lacks it", len(raw))
            else:
                pairs = [(features[name], values) for values in outputs]
                self._compare(comparison, pairs, (_BATCH_PATH, _EXPORTED), raw)
        if any(are_reordered(features, columns) for columns in by_size) and _REORDERED not in self._refusals:
            self.refuse(_REORDERED)

    def _add_signature(
        self, signature: str, predictions: dict[int, np.ndarray], exported: Arrays, raw: np.ndarray
    ) -> None:
        """Compares a signature with the trained model at each batch size, and its batch sizes with the largest."""
        largest = max(self._batch_sizes)
        for size in self._batch_sizes:
            outputs = exported[f"{signature}/{size}"]
            comparison = self._comparison(f"{signature}, batch size {size}", _BIT_FOR_BIT)
            self._compare(comparison, [(predictions[size], outputs)], (_BATCH_PATH, _EXPORTED), raw)
            if size != largest:
                comparison = self._comparison(f"{signature}, batch size {size} against {largest}", self._tolerance_rule)
                sides = (f"at batch size {largest}", f"at batch size {size}")
                pair = (exported[f"{signature}/{largest}"], outputs)
                self._compare(comparison, [pair], sides, raw, self._tolerance)

    def _add_transports(
        self, size: int, batch: np.ndarray, served: Arrays, raw: np.ndarray, positions: Sequence[int]
    ) -> None:
        """Compares each transport with the batch path, and REST, which is JSON, with gRPC, which is not."""
        for transport, predictions in served.items():
            comparison = self._comparison(f"{transport}, batch size {size}", self._tolerance_rule)
            self._compare(comparison, [(batch, predictions)], (_BATCH_PATH, _SERVER), raw, self._tolerance, positions)
        for transport in (REST_ROWS, REST_COLUMNS):
            comparison = self._comparison(f"{transport}, batch size {size} against {GRPC_COLUMNS}", _BIT_FOR_BIT)
            pair = (served[GRPC_COLUMNS], served[transport])
            self._compare(comparison, [pair], (GRPC_COLUMNS, transport), raw, positions=positions)

    def _compare(
        self,
        comparison: Comparison,
        pairs: list[Pair],
        sides: tuple[str, str],
        raw: np.ndarray,
        tolerance: float | None = None,
        positions: Sequence[int] | None = None,
    ) -> None:
        """Counts the rows in which any of the pairs differs; without a tolerance, in any bit.

        `positions` says where in the chunk the rows stand, if they are not the whole chunk.
        """
        if not len(raw):  # a chunk without a row of the sample
            return
        for left, right in pairs:
            if (left.dtype, left.shape) != (right.dtype, right.shape):
                types = (
                    f"{side} has {describe_type(values)}" for side, values in zip(sides, (left, right), strict=True)
                )
                _mark_incomparable(comparison, ", ".join(types), len(raw))
                return
        gaps = np.stack([row_distances(left, right, tolerance) for left, right in pairs])
        which, row = (int(index) for index in np.unravel_index(gaps.argmax(), gaps.shape))
        distance = float(gaps[which, row])
        if distance >= 0 and (comparison.worst is None or distance > comparison.worst.distance):
            values = (as_json(array[row]) for array in pairs[which])
            comparison.worst = WorstRow(
                row=self._rows + (row if positions is None else positions[row]),
                raw=example_as_json(raw[row]),
                values=dict(zip(sides, values, strict=True)),
                distance=distance,
            )
        comparison.rows += len(raw)
        comparison.differences += int((gaps >= 0).any(axis=0).sum())


def example_as_json(serialized: bytes) -> dict[str, object]:
    """Converts a raw tf.Example to JSON values; an absent value is None."""
    features = tf.train.Example.FromString(serialized).features.feature
    cells = {name: list(feature_values(features[name])) for name in sorted(features)}
    return {name: as_json(values) if values else None for name, values in cells.items()}


def as_json(value: object) -> object:
    """Converts a value to JSON; an array of one value becomes that value, bytes become text."""
    if isinstance(value, np.ndarray):
        return as_json(value.tolist())
    if isinstance(value, list):
        return as_json(value[0]) if len(value) == 1 else [as_json(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _select_prefix(prefix: str, arrays: Arrays) -> Arrays:
    """Returns the arrays whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}


def _mark_incomparable(comparison: Comparison, problem: str, rows: int) -> None:
    """Counts every row as different, since the sides cannot be compared."""
    comparison.problem = problem
    comparison.rows += rows
    comparison.differences += rows
