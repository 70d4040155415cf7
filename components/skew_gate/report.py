"""What SkewGate found: per feature and per prediction, how many rows were compared, how many differ, and the worst."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from components.candidate_serving.transports import GRPC_COLUMNS, REST_COLUMNS, REST_ROWS, Answers
from components.skew_gate.bitwise import Arrays, distances, kind, reordered
from components.skew_gate.model_probe import values_of

Pair = tuple[np.ndarray, np.ndarray]

_BATCH_PATH, _EXPORTED, _SERVER = "batch path", "exported model", "model server"
_BIT_FOR_BIT = "equal bit for bit"
_REORDERED = "raw and transformed examples hold the same rows in another order: rows cannot be paired by position"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """The row that differs most."""

    row: int  # counted from 0, in the order of the files
    raw: dict[str, object]  # its raw values
    values: dict[str, object]  # what either side has
    distance: float  # largest absolute difference; 1 between strings


@dataclasses.dataclass(kw_only=True)
class Comparison:
    """One column of numbers or strings, as two sides have it."""

    name: str
    rule: str  # how near the sides have to be
    rows: int = 0
    differences: int = 0  # rows that break the rule
    worst: Difference | None = None
    problem: str | None = None  # why the sides cannot be compared, such as another dtype; then every row differs

    def reason(self) -> str:
        """The difference in plain words."""
        if self.worst is None:
            return f"{self.name}: {self.problem}"
        values = ", ".join(f"{side} {value!r}" for side, value in self.worst.values.items())
        return (
            f"{self.name}: {self.differences} of {self.rows} rows are not {self.rule}; "
            f"worst at row {self.worst.row}: {values}, raw row {self.worst.raw}"
        )


class SkewReport:
    """Gathers comparisons, chunk of rows by chunk of rows."""

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
        """Whether rows were compared and nothing speaks against the model."""
        return bool(self._rows) and not self.reasons()

    def refuse(self, reason: str) -> None:
        """Adds a reason that is not about single rows."""
        self._refusals.append(reason)

    def reasons(self) -> list[str]:
        """Why the model is refused, in plain words; empty when nothing speaks against it."""
        return self._refusals + [c.reason() for c in self._comparisons.values() if c.differences]

    def add(
        self,
        features: Arrays,
        predictions: dict[int, np.ndarray],
        served: Arrays,
        raw: np.ndarray,
        answers: Answers | None = None,
    ) -> None:
        """Compares one chunk of rows.

        Args:
            features: materialised by Transform, each [rows, n].
            predictions: of the trained model, batch size -> [rows, outputs].
            served: the probe's answers, named as components.skew_gate.model_probe says.
            raw: serialized raw tf.Examples [rows], for the report.
            answers: the model server's; None when it does not serve the model.
        """
        answered = {size: _below(f"transform_features/{size}/", served) for size in self._batch_sizes}
        names = features.keys() | {name for columns in answered.values() for name in columns}
        for name in sorted(names):
            columns = [answered[size].get(name) for size in self._batch_sizes]
            self._add_feature(f"feature {name}", features.get(name), columns, raw)
        if any(reordered(features, columns) for columns in answered.values()) and _REORDERED not in self._refusals:
            self.refuse(_REORDERED)
        largest = max(self._batch_sizes)
        for signature in ("serving_default", "serving_raw"):
            for size in self._batch_sizes:
                answer = served[f"{signature}/{size}"]
                comparison = self._comparison(f"{signature}, batch size {size}", _BIT_FOR_BIT)
                self._compare(comparison, [(predictions[size], answer)], (_BATCH_PATH, _EXPORTED), raw)
                if size != largest:
                    comparison = self._comparison(f"{signature}, batch size {size} against {largest}", self._nearly)
                    sides = (f"at batch size {largest}", f"at batch size {size}")
                    pair = (served[f"{signature}/{largest}"], answer)
                    self._compare(comparison, [pair], sides, raw, self._tolerance)
        if answers is not None:
            sample = answers.sample
            self._add_transports(largest, predictions[largest], answers.batched, raw, range(len(raw)))
            self._add_transports(1, predictions[1][sample], answers.single, raw[sample], sample)
            for transport, seconds in answers.seconds.items():
                self._seconds.setdefault(transport, []).extend(seconds)
        self._rows += len(raw)

    def latency(self) -> dict[str, dict[str, float]]:
        """Per transport: how many rows were asked one by one, and the median and 95th percentile in milliseconds."""
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
        """The whole report, for JSON."""
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
    def _nearly(self) -> str:
        return f"within {self._tolerance:g} (relative beyond 1)"

    def _comparison(self, name: str, rule: str) -> Comparison:
        return self._comparisons.setdefault(name, Comparison(name=name, rule=rule))

    def _add_feature(
        self, name: str, batch: np.ndarray | None, answers: list[np.ndarray | None], raw: np.ndarray
    ) -> None:
        comparison = self._comparison(name, _BIT_FOR_BIT)
        present = [answer for answer in answers if answer is not None]
        if batch is None:
            _give_up(comparison, "the exported model has it, Transform did not write it", len(raw))
        elif len(present) < len(answers):
            _give_up(comparison, "Transform wrote it, the exported model lacks it", len(raw))
        else:
            self._compare(comparison, [(batch, answer) for answer in present], (_BATCH_PATH, _EXPORTED), raw)

    def _add_transports(
        self, size: int, batch: np.ndarray, answers: Arrays, raw: np.ndarray, positions: Sequence[int]
    ) -> None:
        """Compares what the model server answered with the batch path, and what went over JSON with what did not."""
        for transport, answer in answers.items():
            comparison = self._comparison(f"{transport}, batch size {size}", self._nearly)
            self._compare(comparison, [(batch, answer)], (_BATCH_PATH, _SERVER), raw, self._tolerance, positions)
        for transport in (REST_ROWS, REST_COLUMNS):
            comparison = self._comparison(f"{transport}, batch size {size} against {GRPC_COLUMNS}", _BIT_FOR_BIT)
            pair = (answers[GRPC_COLUMNS], answers[transport])
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
                words = (f"{side} has {kind(values)}" for side, values in zip(sides, (left, right), strict=True))
                _give_up(comparison, ", ".join(words), len(raw))
                return
        gaps = np.stack([distances(left, right, tolerance) for left, right in pairs])
        which, row = (int(index) for index in np.unravel_index(gaps.argmax(), gaps.shape))
        distance = float(gaps[which, row])
        if distance >= 0 and (comparison.worst is None or distance > comparison.worst.distance):
            values = (readable(array[row]) for array in pairs[which])
            comparison.worst = Difference(
                row=self._rows + (row if positions is None else positions[row]),
                raw=plain(raw[row]),
                values=dict(zip(sides, values, strict=True)),
                distance=distance,
            )
        comparison.rows += len(raw)
        comparison.differences += int((gaps >= 0).any(axis=0).sum())


def plain(serialized: bytes) -> dict[str, object]:
    """One raw tf.Example as plain values; an absent value is None."""
    features = tf.train.Example.FromString(serialized).features.feature
    cells = {name: list(values_of(features[name])) for name in sorted(features)}
    return {name: readable(values) if values else None for name, values in cells.items()}


def readable(value: object) -> object:
    """A value that JSON can hold and people can read; an array of one value is that value."""
    if isinstance(value, np.ndarray):
        return readable(value.tolist())
    if isinstance(value, list):
        return readable(value[0]) if len(value) == 1 else [readable(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _below(prefix: str, arrays: Arrays) -> Arrays:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}


def _give_up(comparison: Comparison, problem: str, rows: int) -> None:
    comparison.problem = problem
    comparison.rows += rows
    comparison.differences += rows
