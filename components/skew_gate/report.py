"""Compares the paths of the same rows: counts rows compared and rows that differ, and keeps the worst."""

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np

from components.candidate_serving.transports import GRPC_COLUMNS, REST_COLUMNS, REST_ROWS, TransportPredictions
from components.skew_gate.batch_path import BatchChunk
from components.skew_gate.bitwise import Arrays, are_reordered
from components.skew_gate.columns import Column, Columns
from components.skew_gate.comparison import BIT_FOR_BIT, EXACT, Comparison, Pair, within
from components.skew_gate.model_probe import FILLED
from components.skew_gate.rounding import FEATURE_STEPS, PREDICTION_STEPS, Judgement

_BATCH_PATH, _EXPORTED, _SERVER = "batch path", "exported model", "model server"
_REORDERED = "raw and transformed examples hold the same rows in another order: rows cannot be paired by position"
_UNKNOWN = Column(scale=None)  # equal bit for bit


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Excuses:
    """What excuses predictions that differ by more than their own rounding.

    What a row received has to be what the trained model makes of the row's features in some layout. Whether two other
    values of the row agree says nothing about it: a model server that adds to every prediction would be excused.

    Attributes:
        predictions: [rows, outputs] each, of the trained model on the features of every layout.
        rounded: bool [rows]: a feature is rounded otherwise in other layouts.
        moved: bool [rows]: a feature is at an edge.
    """

    predictions: Sequence[np.ndarray]
    rounded: np.ndarray
    moved: np.ndarray

    def pair(self, expected: np.ndarray, received: np.ndarray) -> Pair:
        """Pairs the predictions of all rows."""
        layouts = [(prediction, received) for prediction in self.predictions]
        return Pair(expected=expected, received=received, layouts=layouts, unsteady=self.rounded, jumps=self.moved)

    def of(self, rows: list[int]) -> Self:
        """Returns the excuses of some of the rows."""
        predictions = [values[rows] for values in self.predictions]
        return dataclasses.replace(self, predictions=predictions, rounded=self.rounded[rows], moved=self.moved[rows])


class SkewReport:
    """Collects comparisons, chunk of rows by chunk of rows."""

    def __init__(self, *, batch_sizes: tuple[int, ...]):
        """Starts empty.

        Args:
            batch_sizes: rows a call.
        """
        self._batch_sizes = batch_sizes
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
        self,
        batch: BatchChunk,
        exported: Arrays,
        raw: np.ndarray,
        served: TransportPredictions | None = None,
        *,
        columns: Columns,
    ) -> None:
        """Compares one chunk of rows.

        Args:
            batch: features and predictions of the batch path.
            exported: outputs of the exported model, named as model_probe.load_predictor says.
            raw: serialized raw tf.Examples [rows], for the report.
            served: the model server's predictions; None when it does not serve the model.
            columns: what is known of them, over all chunks.
        """
        layouts = [_select_prefix(f"transform_features/{size}/", exported) for size in (*self._batch_sizes, FILLED)]
        rounded, moved = self._add_features(batch.features, layouts, raw, columns.features)
        excuses = _Excuses(predictions=batch.predict_layouts(layouts), rounded=rounded, moved=moved)
        for signature in ("serving_default", "serving_raw"):
            self._add_signature(signature, batch.predictions, exported, raw, excuses, columns.predictions)
        if served is not None:
            sample = served.sample
            largest = max(self._batch_sizes)
            pairs = {name: excuses.pair(batch.predictions[largest], sent) for name, sent in served.batched.items()}
            self._add_transports(largest, pairs, raw, range(len(raw)), columns.predictions)
            single, expected = excuses.of(sample), batch.predictions[1][sample]
            pairs = {name: single.pair(expected, sent) for name, sent in served.single.items()}
            self._add_transports(1, pairs, raw[sample], sample, columns.predictions)
            for transport, seconds in served.seconds.items():
                self._seconds.setdefault(transport, []).extend(seconds)
        self._rows += len(raw)

    def comparisons(self, beginning: str) -> list[Comparison]:
        """Returns the comparisons whose names begin so."""
        return [comparison for name, comparison in self._comparisons.items() if name.startswith(beginning)]

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
            "differences": sum(c.differences for c in self._comparisons.values()),
            "reasons": self.reasons(),
            "latency": self.latency(),
            "comparisons": [c.as_dict() for c in self._comparisons.values()],
        }

    def _comparison(self, name: str, rule: str) -> Comparison:
        return self._comparisons.setdefault(name, Comparison(name=name, rule=rule))

    def _add_features(
        self, features: Arrays, outputs: Sequence[Arrays], raw: np.ndarray, known: dict[str, Column]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compares each feature in each layout; returns two bool [rows], where a feature is rounded, or at an edge."""
        rounded, moved, skewed = (np.zeros(len(raw), bool) for _ in range(3))
        for name in sorted(features.keys() | {name for layout in outputs for name in layout}):
            column = known.get(name, _UNKNOWN)
            comparison = self._comparison(f"feature {name}", EXACT if column.scale is None else within(FEATURE_STEPS))
            layouts = [(features[name], layout[name]) for layout in outputs if name in layout and name in features]
            if name not in features:
                comparison.mark_incomparable("the exported model has it, Transform did not write it", len(raw))
            elif len(layouts) < len(outputs):
                comparison.mark_incomparable("Transform wrote it, the exported model lacks it", len(raw))
            else:
                jumps = np.full(len(raw), column.has_edges)
                pairs = [Pair(expected=left, received=right, layouts=layouts, jumps=jumps) for left, right in layouts]
                ranks = self._compare(comparison, pairs[:-1], (_BATCH_PATH, _EXPORTED), raw, column, FEATURE_STEPS)
                rounded |= (ranks == Judgement.ROUNDED) | (ranks == Judgement.MOVED)
                moved |= ranks == Judgement.MOVED
                skewed |= ranks == Judgement.SKEWED
        reordered = skewed.any() and any(are_reordered(features, layout) for layout in outputs)
        if reordered and _REORDERED not in self._refusals:
            self.refuse(_REORDERED)
        return rounded, moved

    def _add_signature(
        self,
        signature: str,
        predictions: dict[int, np.ndarray],
        exported: Arrays,
        raw: np.ndarray,
        excuses: _Excuses,
        column: Column,
    ) -> None:
        """Compares a signature with the trained model at each batch size, and its batch sizes with the largest."""
        rule, largest = within(PREDICTION_STEPS), max(self._batch_sizes)
        at_largest = exported[f"{signature}/{largest}"]
        for size in self._batch_sizes:
            outputs = exported[f"{signature}/{size}"]
            comparison = self._comparison(f"{signature}, batch size {size}", rule)
            pair = excuses.pair(predictions[size], outputs)
            self._compare(comparison, [pair], (_BATCH_PATH, _EXPORTED), raw, column, PREDICTION_STEPS)
            if size != largest:
                comparison = self._comparison(f"{signature}, batch size {size} against {largest}", rule)
                sides = (f"at batch size {largest}", f"at batch size {size}")
                pair = excuses.pair(at_largest, outputs)
                self._compare(comparison, [pair], sides, raw, column, PREDICTION_STEPS)

    def _add_transports(
        self, size: int, pairs: dict[str, Pair], raw: np.ndarray, positions: Sequence[int], column: Column
    ) -> None:
        """Compares each transport with the batch path, and REST, which is JSON, with gRPC, which is not."""
        rule = within(PREDICTION_STEPS)
        for transport, pair in pairs.items():
            comparison = self._comparison(f"{transport}, batch size {size}", rule)
            self._compare(comparison, [pair], (_BATCH_PATH, _SERVER), raw, column, PREDICTION_STEPS, positions)
        for transport in (REST_ROWS, REST_COLUMNS):
            comparison = self._comparison(f"{transport}, batch size {size} against {GRPC_COLUMNS}", BIT_FOR_BIT)
            pair = Pair(expected=pairs[GRPC_COLUMNS].received, received=pairs[transport].received)
            self._compare(comparison, [pair], (GRPC_COLUMNS, transport), raw, _UNKNOWN, 0, positions)

    def _compare(
        self,
        comparison: Comparison,
        pairs: Sequence[Pair],
        sides: tuple[str, str],
        raw: np.ndarray,
        column: Column,
        bound: int,
        positions: Sequence[int] | None = None,
    ) -> np.ndarray:
        """Adds the rows to a comparison; `positions` says where in the chunk they stand, if they are not all of it."""
        numbers: Sequence[int] = range(self._rows, self._rows + len(raw))
        if positions is not None:
            numbers = [self._rows + position for position in positions]
        return comparison.add(pairs, sides, column=column, bound=bound, raw=raw, numbers=numbers)


def _select_prefix(prefix: str, arrays: Arrays) -> Arrays:
    """Returns the arrays whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
