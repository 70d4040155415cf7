"""Compare the paths column by column; each column is a separate case."""

import dataclasses
from collections.abc import Iterable
from typing import Self

import numpy as np

from benchmarks.skew_gate.skews import SKEWS
from components.candidate_serving.transports import TransportPredictions
from components.skew_gate.batch_path import BatchChunk
from components.skew_gate.bitwise import Arrays
from components.skew_gate.columns import Columns, Operations
from components.skew_gate.comparison import Comparison
from components.skew_gate.component import BATCH_SIZES
from components.skew_gate.model_probe import FILLED
from components.skew_gate.report import SkewReport

LAYOUTS = (*BATCH_SIZES, FILLED)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """SkewGate's result for one case."""

    case: str
    refused: bool
    rows: int  # rows that differ in any way
    steps: float  # the largest rounding
    at_edge: int
    reason: str  # why it is refused, or the rounding operations

    @classmethod
    def of_feature(cls, comparison: Comparison) -> Self:
        """Summarize the one comparison of a feature."""
        return cls.of_comparisons(comparison.name.removeprefix("feature "), [comparison])

    @classmethod
    def of_comparisons(cls, case: str, comparisons: Iterable[Comparison]) -> Self:
        """Summarize the comparisons of one case by their maxima."""
        found = list(comparisons)
        reasons = [one.reason() for one in found if one.differences]
        return cls(
            case=case,
            refused=bool(reasons),
            rows=max(one.skewed + one.rounding.rows + one.rounding.at_edge for one in found),
            steps=max(one.rounding.steps for one in found),
            at_edge=max(one.rounding.at_edge for one in found),
            reason=reasons[0].partition("; worst")[0] if reasons else ", ".join(found[0].rounding.operations),
        )


def compare_features(features: Arrays, exported: Arrays, raw: np.ndarray, operations: Operations) -> SkewReport:
    """Compare features alone; `operations` round, by feature."""
    nothing = np.zeros((len(raw), 1), np.float32)
    batch = BatchChunk(features=features, predictions=dict.fromkeys(BATCH_SIZES, nothing), predict=_predict_nothing)
    outputs = {name: values for name, values in exported.items() if name.startswith("transform_features/")}
    return _compare(batch, outputs, raw, operations)


def compare_model(
    column: int,
    batch: BatchChunk,
    exported: Arrays,
    raw: np.ndarray,
    operations: Operations,
    served: TransportPredictions | None = None,
) -> SkewReport:
    """Compare one of several models, whose features are computed together.

    Args:
        column: of the predictions: the model.
        batch: features and predictions of the batch path, of all models.
        exported: outputs of the exported models.
        raw: serialized raw tf.Examples [rows].
        operations: feature -> the operations that round it.
        served: the model server's predictions of this model; None if it was not asked.

    Returns:
        The report on this model.
    """
    own = BatchChunk(
        features=batch.features,
        predictions={size: values[:, [column]] for size, values in batch.predictions.items()},
        predict=lambda features: batch.predict(features)[:, [column]],
    )
    sides = {
        name: values if name.startswith("transform_features/") else values[:, [column]]
        for name, values in exported.items()
    }
    return _compare(own, sides, raw, operations, served)


def planted_features(honest: Arrays) -> Arrays:
    """Return the features of training under the names of the planted skews."""
    return {name: honest[skew.of] for name, skew in SKEWS.items()}


def _predict_nothing(features: Arrays) -> np.ndarray:
    return np.zeros((len(next(iter(features.values()))), 1), np.float32)


def _compare(
    batch: BatchChunk,
    exported: Arrays,
    raw: np.ndarray,
    operations: Operations,
    served: TransportPredictions | None = None,
) -> SkewReport:
    report = SkewReport(batch_sizes=BATCH_SIZES)
    nothing = np.zeros((len(raw), 1), np.float32)
    signatures = {f"{name}/{size}": nothing for name in ("serving_default", "serving_raw") for size in LAYOUTS}
    report.add(batch, signatures | exported, raw, served, columns=Columns.measure([batch], operations, ()))
    return report
