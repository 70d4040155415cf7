"""Compares the paths of the same rows: counts rows compared and rows that differ, and keeps the worst."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Self

import numpy as np

from components.candidate_serving.transports import GRPC_COLUMNS, REST_COLUMNS, REST_ROWS, TransportPredictions
from components.skew_gate.batch_path import BatchChunk
from components.skew_gate.bitwise import Arrays, are_reordered
from components.skew_gate.comparison import BIT_FOR_BIT, EXACT, MOST_OPERATIONS, Comparison, Pair, within
from components.skew_gate.model_probe import FILLED
from components.skew_gate.rounding import FEATURE_STEPS, PREDICTION_STEPS, Scale

_BATCH_PATH, _EXPORTED, _SERVER = "batch path", "exported model", "model server"
_REORDERED = "raw and transformed examples hold the same rows in another order: rows cannot be paired by position"
_FEATURE = "feature "


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scales:
    """How large features and predictions are over all rows; a column of whole numbers or strings has no scale."""

    features: dict[str, Scale | None]
    predictions: Scale | None

    @classmethod
    def measure(cls, chunks: Sequence[BatchChunk]) -> Self:
        """Measures the batch path's chunks of rows, one or more."""
        first = chunks[0]
        return cls(
            features={
                name: Scale.measure(_joined([chunk.features[name] for chunk in chunks])) for name in first.features
            },
            predictions=Scale.measure(_joined([chunk.predictions[max(first.predictions)] for chunk in chunks])),
        )


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

    @property
    def rounds(self) -> bool:
        """Whether rounding was found anywhere."""
        return any(c.rounding.rows or c.rounding.at_edge for c in self._comparisons.values())

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
        scales: Scales,
    ) -> None:
        """Compares one chunk of rows.

        Args:
            batch: features and predictions of the batch path.
            exported: outputs of the exported model, named as model_probe.load_predictor says.
            raw: serialized raw tf.Examples [rows], for the report.
            served: the model server's predictions; None when it does not serve the model.
            scales: of all chunks of the batch path.
        """
        unsteady = self._add_features(batch.features, exported, raw, scales.features)
        layouts = [exported[f"serving_default/{size}"] for size in (*self._batch_sizes, FILLED)]
        for signature in ("serving_default", "serving_raw"):
            self._add_signature(signature, batch.predictions, exported, raw, layouts, unsteady, scales.predictions)
        if served is not None:
            sample = served.sample
            largest = max(self._batch_sizes)
            pairs = _served_pairs(batch.predictions[largest], served.batched, layouts, unsteady)
            self._add_transports(largest, pairs, raw, range(len(raw)), scales.predictions)
            chosen = [layout[sample] for layout in layouts]
            pairs = _served_pairs(batch.predictions[1][sample], served.single, chosen, unsteady[sample])
            self._add_transports(1, pairs, raw[sample], sample, scales.predictions)
            for transport, seconds in served.seconds.items():
                self._seconds.setdefault(transport, []).extend(seconds)
        self._rows += len(raw)

    def name_operations(self, operations: Callable[[str], dict[str, tuple[str, ...]]]) -> None:
        """Says which operations the rounding is likely from.

        Args:
            operations: from a signature to the operations that round, upstream of each of its outputs.
        """
        features, predictions = operations("transform_features"), operations("serving_default")["predictions"]
        for name, comparison in self._comparisons.items():
            if comparison.rounding.rows or comparison.rounding.at_edge:
                found = features.get(name.removeprefix(_FEATURE), ()) if name.startswith(_FEATURE) else predictions
                comparison.rounding.operations = found[:MOST_OPERATIONS]

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
        self, features: Arrays, exported: Arrays, raw: np.ndarray, scales: dict[str, Scale | None]
    ) -> np.ndarray:
        """Compares each feature in each layout; returns bool [rows], where the exported model has no one answer."""
        unsteady = np.zeros(len(raw), bool)
        columns = [_select_prefix(f"transform_features/{size}/", exported) for size in (*self._batch_sizes, FILLED)]
        skewed = False
        for name in sorted(features.keys() | {name for layout in columns for name in layout}):
            rule = EXACT if scales.get(name) is None else within(FEATURE_STEPS)
            comparison = self._comparison(f"{_FEATURE}{name}", rule)
            layouts = [layout[name] for layout in columns if name in layout]
            if name not in features:
                comparison.mark_incomparable("the exported model has it, Transform did not write it", len(raw))
            elif len(layouts) < len(columns):
                comparison.mark_incomparable("Transform wrote it, the exported model lacks it", len(raw))
            else:
                pairs = [Pair(expected=features[name], received=values, layouts=layouts) for values in layouts[:-1]]
                before = comparison.skewed
                unsteady |= self._compare(comparison, pairs, (_BATCH_PATH, _EXPORTED), raw, scales[name], FEATURE_STEPS)
                skewed |= comparison.skewed > before
        if skewed and any(are_reordered(features, layout) for layout in columns) and _REORDERED not in self._refusals:
            self.refuse(_REORDERED)
        return unsteady

    def _add_signature(
        self,
        signature: str,
        predictions: dict[int, np.ndarray],
        exported: Arrays,
        raw: np.ndarray,
        layouts: Sequence[np.ndarray],
        unsteady: np.ndarray,
        scale: Scale | None,
    ) -> None:
        """Compares a signature with the trained model at each batch size, and its batch sizes with the largest."""
        rule, largest = within(PREDICTION_STEPS), max(self._batch_sizes)
        at_largest = exported[f"{signature}/{largest}"]
        for size in self._batch_sizes:
            outputs = exported[f"{signature}/{size}"]
            comparison = self._comparison(f"{signature}, batch size {size}", rule)
            pair = Pair(expected=predictions[size], received=outputs, layouts=layouts, unsteady=unsteady)
            self._compare(comparison, [pair], (_BATCH_PATH, _EXPORTED), raw, scale, PREDICTION_STEPS)
            if size != largest:
                comparison = self._comparison(f"{signature}, batch size {size} against {largest}", rule)
                sides = (f"at batch size {largest}", f"at batch size {size}")
                # A row with an unsteady feature has predictions of either feature.
                pair = Pair(expected=at_largest, received=outputs, layouts=[at_largest], unsteady=unsteady)
                self._compare(comparison, [pair], sides, raw, scale, PREDICTION_STEPS)

    def _add_transports(
        self, size: int, pairs: dict[str, Pair], raw: np.ndarray, positions: Sequence[int], scale: Scale | None
    ) -> None:
        """Compares each transport with the batch path, and REST, which is JSON, with gRPC, which is not."""
        rule = within(PREDICTION_STEPS)
        for transport, pair in pairs.items():
            comparison = self._comparison(f"{transport}, batch size {size}", rule)
            self._compare(comparison, [pair], (_BATCH_PATH, _SERVER), raw, scale, PREDICTION_STEPS, positions)
        for transport in (REST_ROWS, REST_COLUMNS):
            comparison = self._comparison(f"{transport}, batch size {size} against {GRPC_COLUMNS}", BIT_FOR_BIT)
            pair = Pair(expected=pairs[GRPC_COLUMNS].received, received=pairs[transport].received)
            self._compare(comparison, [pair], (GRPC_COLUMNS, transport), raw, positions=positions)

    def _compare(
        self,
        comparison: Comparison,
        pairs: Sequence[Pair],
        sides: tuple[str, str],
        raw: np.ndarray,
        scale: Scale | None = None,
        bound: int = 0,
        positions: Sequence[int] | None = None,
    ) -> np.ndarray:
        """Adds the rows to a comparison; `positions` says where in the chunk they stand, if they are not all of it."""
        numbers = [self._rows + position for position in (range(len(raw)) if positions is None else positions)]
        return comparison.add(pairs, sides, scale=scale, bound=bound, raw=raw, numbers=numbers)


def _served_pairs(
    expected: np.ndarray, served: Arrays, layouts: Sequence[np.ndarray], unsteady: np.ndarray
) -> dict[str, Pair]:
    """Pairs the batch path's predictions with each transport's."""
    return {
        transport: Pair(expected=expected, received=predictions, layouts=layouts, unsteady=unsteady)
        for transport, predictions in served.items()
    }


def _joined(chunks: Sequence[np.ndarray]) -> np.ndarray:
    return chunks[0] if len(chunks) == 1 else np.concatenate(chunks)


def _select_prefix(prefix: str, arrays: Arrays) -> Arrays:
    """Returns the arrays whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
