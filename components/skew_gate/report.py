"""Collect the comparisons of all paths: the numbers of rows compared and of rows that differ, and the worst row."""

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
    """The rows that are being compared; the attributes are arguments of Comparison.add.

    Attributes:
        raw: serialized raw tf.Examples [rows].
        numbers: int [rows], counted from 0 in the order of the files.
        drawn: bool [rows]: whether a row was drawn at random, or all were, and was compared in every layout.
        presumed: whether every difference of features that rounding may explain counts as rounding.
    """

    raw: np.ndarray
    numbers: np.ndarray
    drawn: np.ndarray
    presumed: bool

    def of(self, rows: Sequence[int]) -> Self:
        """Return some of the rows."""
        chosen = list(rows)
        return dataclasses.replace(self, raw=self.raw[chosen], numbers=self.numbers[chosen], drawn=self.drawn[chosen])


class SkewReport:
    """Comparisons of all rows, which are added chunk by chunk.

    Attributes:
        parts: the stacked features; each of their columns is compared separately.
        coverage: which rows were compared how; None if every row was added with every layout.
    """

    def __init__(self, *, batch_sizes: tuple[int, ...], parts: Parts | None = None):
        """Start with no comparisons.

        Args:
            batch_sizes: rows per call.
            parts: the stacked features.
        """
        self.parts = parts or {}
        self._batch_sizes = batch_sizes
        self._comparisons: dict[str, Comparison] = {}
        self._refusals: list[str] = []
        self._seconds: dict[str, list[float]] = {}
        self._rows = 0
        self.coverage: Coverage | None = None

    def empty(self) -> "SkewReport":
        """Return a report with the same settings and no comparisons."""
        return SkewReport(batch_sizes=self._batch_sizes, parts=self.parts)

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """Rows per call."""
        return self._batch_sizes

    @property
    def blessed(self) -> bool:
        """Whether rows were compared and no reason was found to refuse the model."""
        return bool(self._rows) and not self.reasons()

    def refuse(self, reason: str) -> None:
        """Add a reason that is not about single rows, unless it was added before."""
        if reason not in self._refusals:
            self._refusals.append(reason)

    def refuse_order(self) -> None:
        """Add the reason that the exported model changes the order of rows."""
        self.refuse(_REORDERED)

    def reasons(self) -> list[str]:
        """Return the reasons to refuse the model, one sentence each; empty if it is blessed or had no rows."""
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
        """Compare some rows, and add the result to the comparisons.

        Args:
            batch: features and predictions of the batch path.
            exported: outputs of the exported model, named as model_probe.load_predictor says: at all batch sizes and
                with `filled`, or only at the largest.
            raw: serialized raw tf.Examples [rows], for the report.
            served: the model server's predictions; None if it does not serve the model, or was not asked.
            columns: what was measured over all rows.
            numbers: int [rows], the rows' numbers, counted from 0 in the order of the files; None: they continue those
                of the rows before.
            drawn: bool [rows], whether a row was drawn at random, or all were; None: all.
            presumed: whether every difference of features that rounding may explain counts as rounding, because other
                layouts of these rows were not computed.

        Returns:
            Bool [rows], whether each row breaks a rule.
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
        """Return the comparisons whose names begin with `beginning`."""
        return [comparison for name, comparison in self._comparisons.items() if name.startswith(beginning)]

    def latency(self) -> dict[str, dict[str, float]]:
        """Return the number of single requests of each transport, and their median and 95th percentile in ms."""
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
        """Return the whole report as JSON values."""
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
        """Compare each feature in each layout.

        Args:
            features: what Transform wrote.
            outputs: what the exported model computed, one dict per layout that is compared.
            known_outputs: the same, and layouts that are not compared and may only explain a difference by rounding.
            rows: the rows that are being compared.
            columns: feature -> what was measured over all rows.

        Returns:
            Three bool [rows]: whether a feature of the row is rounded, at an edge, and skewed.
        """
        count = len(rows.raw)
        rounded, moved, skewed = (np.zeros(count, bool) for _ in range(3))
        for name in sorted(features.keys() | {name for layout in outputs for name in layout}):
            column = columns.get(name, _UNKNOWN)
            comparison = self._comparison(f"feature {name}", EXACT if column.scale is None else within(FEATURE_STEPS))
            layouts = [(features[name], out[name]) for out in known_outputs if name in out and name in features]
            if name not in features:
                comparison.mark_incomparable("the exported model returns it, but Transform did not write it", count)
            elif len(layouts) < len(known_outputs):
                comparison.mark_incomparable("Transform wrote it, but the exported model does not return it", count)
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
        """Compare a signature with the trained model at each batch size, and each of its batch sizes with the largest.

        Args:
            signature: name.
            predictions: batch size -> predictions of the trained model.
            exported: outputs of the exported model.
            sizes: the batch sizes at which the exported model was run.
            rows: the rows that are being compared.
            excuses: what may explain a difference.
            columns: what was measured over all rows.

        Returns:
            Bool [rows]: whether the predictions of the row are skewed.
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
        """Compare the model server's predictions; return bool [rows]: whether those of the row are skewed."""
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
        """Compare each transport with the batch path, and REST, which is JSON, with gRPC, which is binary.

        Args:
            size: rows per request.
            pairs: transport -> expected and received predictions.
            rows: the rows that are being compared.
            column: what was measured of the predictions.

        Returns:
            Bool [rows]: whether a transport differs from the batch path by more than rounding.
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
        """Add the rows to a comparison, and return their ranks."""
        return comparison.add(pairs, sides, column=column, bound=bound, **vars(rows))


def _select_prefix(prefix: str, arrays: Arrays) -> Arrays:
    """Return the arrays whose names begin with `prefix`, under their names without it."""
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
