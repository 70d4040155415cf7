"""Compares the paths of the same rows: counts rows compared and rows that differ, and keeps the worst."""

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np

from components.candidate_serving.transports import GRPC_COLUMNS, REST_COLUMNS, REST_ROWS, TransportPredictions
from components.signatures import SERVING_DEFAULT, SERVING_RAW, TRANSFORM_FEATURES
from components.skew_gate.batch_path import BatchChunk
from components.skew_gate.bitwise import Arrays, are_reordered
from components.skew_gate.columns import Column, Columns
from components.skew_gate.comparison import BIT_FOR_BIT, EXACT, Comparison, Pair, within
from components.skew_gate.coverage import Coverage
from components.skew_gate.excuses import Excuses
from components.skew_gate.model_probe import FILLED
from components.skew_gate.rounding import FEATURE_STEPS, PREDICTION_STEPS, Judgement
from components.stacked_features import Parts, split_fitting

_BATCH_PATH, _EXPORTED, _SERVER = "batch path", "exported model", "model server"
_REORDERED = (
    "the exported model returns the features of the same rows in another order: look for what sorts or shuffles rows "
    "in its signatures"
)
_UNKNOWN = Column(scale=None)  # equal bit for bit


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Rows:
    """The rows that are being compared.

    Attributes:
        raw: serialized raw tf.Examples [rows].
        numbers: int [rows], from 0 in the order of the files.
        drawn: bool [rows]: known in every layout, and drawn at random or all.
        presumed: whether rounding excuses what it may excuse of features.
    """

    raw: np.ndarray
    numbers: np.ndarray
    drawn: np.ndarray
    presumed: bool

    def of(self, rows: Sequence[int]) -> Self:
        """Returns some of the rows."""
        chosen = list(rows)
        return dataclasses.replace(self, raw=self.raw[chosen], numbers=self.numbers[chosen], drawn=self.drawn[chosen])


class SkewReport:
    """Collects comparisons, chunk of rows by chunk of rows.

    Attributes:
        parts: the stacked features; each of their columns is compared by itself.
    """

    def __init__(self, *, batch_sizes: tuple[int, ...], parts: Parts | None = None):
        """Starts empty.

        Args:
            batch_sizes: rows a call.
            parts: the stacked features.
        """
        self.parts = parts or {}
        self._batch_sizes = batch_sizes
        self._comparisons: dict[str, Comparison] = {}
        self._refusals: list[str] = []
        self._seconds: dict[str, list[float]] = {}
        self._rows = 0
        self.coverage: Coverage | None = None  # None: every row was added with every layout

    def empty(self) -> "SkewReport":
        """Returns another one that takes the same rows."""
        return SkewReport(batch_sizes=self._batch_sizes, parts=self.parts)

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """Rows a call."""
        return self._batch_sizes

    @property
    def blessed(self) -> bool:
        """Whether rows were compared and there is no reason to refuse the model."""
        return bool(self._rows) and not self.reasons()

    def refuse(self, reason: str) -> None:
        """Adds a reason that is not about single rows; once, if it comes again."""
        if reason not in self._refusals:
            self._refusals.append(reason)

    def refuse_order(self) -> None:
        """Adds that the exported model mixes rows up."""
        self.refuse(_REORDERED)

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
        numbers: np.ndarray | None = None,
        drawn: np.ndarray | None = None,
        presumed: bool = False,
    ) -> np.ndarray:
        """Compares some rows, and returns a bool [rows]: where one breaks a rule.

        Args:
            batch: features and predictions of the batch path.
            exported: outputs of the exported model, named as model_probe.load_predictor says; at all batch sizes and
                with `filled`, or at the largest alone.
            raw: serialized raw tf.Examples [rows], for the report.
            served: the model server's predictions; None when it does not serve the model, or was not asked.
            columns: what is known of them, over all rows.
            numbers: int [rows], the rows' numbers from 0 in the order of the files; None: they follow on the last ones.
            drawn: bool [rows], which rows were drawn at random, or are all there are; None: all.
            presumed: take for rounding what it may excuse of features, since other layouts were not asked for.
        """
        rows = _Rows(
            raw=raw,
            numbers=np.arange(self._rows, self._rows + len(raw)) if numbers is None else numbers,
            drawn=np.ones(len(raw), bool) if drawn is None else drawn,
            presumed=presumed,
        )
        sizes = [size for size in self._batch_sizes if f"{SERVING_DEFAULT}/{size}" in exported]
        layouts = [_select_prefix(f"{TRANSFORM_FEATURES}/{size}/", exported) for size in sizes]
        known = [*layouts, _select_prefix(f"{TRANSFORM_FEATURES}/{FILLED}/", exported)]
        if len(sizes) < len(self._batch_sizes):
            known.pop()
        features, *by_part = (split_fitting(each, self.parts) for each in (batch.features, *known))
        rounded, moved, skewed = self._add_features(features, by_part[: len(layouts)], by_part, rows, columns.features)
        excuses = Excuses(predictions=batch.predict_layouts(known), rounded=rounded, moved=moved)
        rows = dataclasses.replace(rows, presumed=False)
        for signature in (SERVING_DEFAULT, SERVING_RAW):
            skewed |= self._add_signature(signature, batch.predictions, exported, sizes, rows, excuses, columns)
        if served is not None:
            skewed |= self._add_served(served, batch.predictions, rows, excuses, columns.predictions)
        self._rows += len(raw)
        return skewed

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
            "coverage": None if self.coverage is None else self.coverage.as_dict(),
            "batch_sizes": list(self._batch_sizes),
            "differences": sum(c.differences for c in self._comparisons.values()),
            "reasons": self.reasons(),
            "latency": self.latency(),
            "comparisons": [c.as_dict() for c in self._comparisons.values()],
        }

    def _comparison(self, name: str, rule: str) -> Comparison:
        return self._comparisons.setdefault(name, Comparison(name=name, rule=rule))

    def _add_features(
        self,
        features: Arrays,
        outputs: Sequence[Arrays],
        known_outputs: Sequence[Arrays],
        rows: _Rows,
        columns: dict[str, Column],
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Compares each feature in each layout; what all known layouts give excuses.

        Returns:
            Three bool [rows]: where a feature is rounded, at an edge, and skewed.
        """
        count = len(rows.raw)
        rounded, moved, skewed = (np.zeros(count, bool) for _ in range(3))
        for name in sorted(features.keys() | {name for layout in outputs for name in layout}):
            column = columns.get(name, _UNKNOWN)
            comparison = self._comparison(f"feature {name}", EXACT if column.scale is None else within(FEATURE_STEPS))
            layouts = [(features[name], out[name]) for out in known_outputs if name in out and name in features]
            if name not in features:
                comparison.mark_incomparable("the exported model has it, Transform did not write it", count)
            elif len(layouts) < len(known_outputs):
                comparison.mark_incomparable("Transform wrote it, the exported model lacks it", count)
            else:
                jumps = np.full(count, column.has_edges)
                pairs = [
                    Pair(expected=left, received=right, layouts=layouts, jumps=jumps)
                    for left, right in layouts[: len(outputs)]
                ]
                ranks = self._compare(comparison, pairs, (_BATCH_PATH, _EXPORTED), rows, column, FEATURE_STEPS)
                rounded |= (ranks == Judgement.ROUNDED) | (ranks == Judgement.MOVED)
                moved |= ranks == Judgement.MOVED
                skewed |= ranks == Judgement.SKEWED
        if skewed.any() and any(are_reordered(features, layout) for layout in known_outputs):
            self.refuse_order()
        return rounded, moved, skewed

    def _add_signature(
        self,
        signature: str,
        predictions: dict[int, np.ndarray],
        exported: Arrays,
        sizes: Sequence[int],
        rows: _Rows,
        excuses: Excuses,
        columns: Columns,
    ) -> np.ndarray:
        """Compares a signature with the trained model at each batch size, and its batch sizes with the largest.

        Returns:
            Bool [rows]: where it is skewed.
        """
        rule, largest = within(PREDICTION_STEPS), max(self._batch_sizes)
        at_largest = exported[f"{signature}/{largest}"]
        skewed = np.zeros(len(rows.raw), bool)
        for size in sizes:
            outputs = exported[f"{signature}/{size}"]
            pairs = {
                f"{signature}, batch size {size}": ((_BATCH_PATH, _EXPORTED), excuses.pair(predictions[size], outputs))
            }
            if size != largest:
                sides = (f"at batch size {largest}", f"at batch size {size}")
                against = f"{signature}, batch size {size} against {largest}"
                pairs[against] = (sides, excuses.pair(at_largest, outputs))
            for name, (sides, pair) in pairs.items():
                comparison = self._comparison(name, rule)
                ranks = self._compare(comparison, [pair], sides, rows, columns.predictions, PREDICTION_STEPS)
                skewed |= ranks == Judgement.SKEWED
        return skewed

    def _add_served(
        self,
        served: TransportPredictions,
        predictions: dict[int, np.ndarray],
        rows: _Rows,
        excuses: Excuses,
        column: Column,
    ) -> np.ndarray:
        """Compares what the model server predicted; returns bool [rows]: where it is skewed."""
        largest, sample = max(self._batch_sizes), served.sample
        pairs = {name: excuses.pair(predictions[largest], sent) for name, sent in served.batched.items()}
        skewed = self._add_transports(largest, pairs, rows, column)
        if sample:
            single, expected = excuses.of(sample), predictions[1][sample]
            pairs = {name: single.pair(expected, sent) for name, sent in served.single.items()}
            skewed[sample] |= self._add_transports(1, pairs, rows.of(sample), column)
        for transport, seconds in served.seconds.items():
            self._seconds.setdefault(transport, []).extend(seconds)
        return skewed

    def _add_transports(self, size: int, pairs: dict[str, Pair], rows: _Rows, column: Column) -> np.ndarray:
        """Compares each transport with the batch path, and REST, which is JSON, with gRPC, which is not.

        Returns:
            Bool [rows]: where one differs from the batch path by more than rounding.
        """
        rule = within(PREDICTION_STEPS)
        skewed = np.zeros(len(rows.raw), bool)
        for transport, pair in pairs.items():
            comparison = self._comparison(f"{transport}, batch size {size}", rule)
            ranks = self._compare(comparison, [pair], (_BATCH_PATH, _SERVER), rows, column, PREDICTION_STEPS)
            skewed |= ranks == Judgement.SKEWED
        for transport in (REST_ROWS, REST_COLUMNS):
            comparison = self._comparison(f"{transport}, batch size {size} against {GRPC_COLUMNS}", BIT_FOR_BIT)
            pair = Pair(expected=pairs[GRPC_COLUMNS].received, received=pairs[transport].received)
            self._compare(comparison, [pair], (GRPC_COLUMNS, transport), rows, _UNKNOWN, 0)
        return skewed

    @staticmethod
    def _compare(
        comparison: Comparison,
        pairs: Sequence[Pair],
        sides: tuple[str, str],
        rows: _Rows,
        column: Column,
        bound: int,
    ) -> np.ndarray:
        """Adds the rows to a comparison, and returns their ranks."""
        return comparison.add(pairs, sides, column=column, bound=bound, **vars(rows))


def _select_prefix(prefix: str, arrays: Arrays) -> Arrays:
    """Returns the arrays whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
