"""What SkewGate found: per feature and per prediction, how many rows were compared, how many differ, and the worst."""

import dataclasses

import numpy as np
import tensorflow as tf

Arrays = dict[str, np.ndarray]


@dataclasses.dataclass(kw_only=True)
class Comparison:
    """One column of the batch path against the same column of the exported model."""

    name: str
    rule: str  # "equal bit for bit", or "within <tolerance>"
    rows: int = 0
    differences: int = 0
    worst: dict[str, object] | None = None  # row number, raw row, both values, absolute difference
    problem: str | None = None  # what made the comparison impossible, such as another dtype

    @property
    def agrees(self) -> bool:
        """Whether every row was compared and none differs."""
        return not self.differences and self.problem is None

    def reason(self) -> str:
        """The difference in plain words."""
        if self.problem:
            return f"{self.name}: {self.problem}"
        worst = self.worst or {}
        return (
            f"{self.name}: {self.differences} of {self.rows} rows are not {self.rule}; worst at row {worst.get('row')}: "
            f"batch path {worst.get('batch')}, exported model {worst.get('served')}, raw row {worst.get('raw')}"
        )


class SkewReport:
    """Gathers comparisons, chunk of rows by chunk of rows."""

    def __init__(self, *, batch_sizes: tuple[int, ...], tolerance: float):
        self._batch_sizes = batch_sizes
        self._tolerance = tolerance
        self._comparisons: dict[str, Comparison] = {}
        self._refusals: list[str] = []
        self._rows = 0

    @property
    def blessed(self) -> bool:
        """Whether rows were compared and nothing speaks against the model."""
        return bool(self._rows) and not self.reasons()

    def refuse(self, reason: str) -> None:
        """Adds a reason that is not about single rows."""
        self._refusals.append(reason)

    def reasons(self) -> list[str]:
        """Why the model is refused, in plain words; empty when it is not."""
        return self._refusals + [c.reason() for c in self._comparisons.values() if not c.agrees]

    def add(self, features: Arrays, predictions: dict[int, np.ndarray], served: Arrays, raw: np.ndarray) -> None:
        """Compares one chunk of rows.

        Args:
            features: materialised by Transform, each [rows, n].
            predictions: of the trained model, batch size -> [rows, outputs].
            served: the probe's answers, named as components.skew_probe says.
            raw: serialized raw tf.Examples [rows], for the report.
        """
        largest = max(self._batch_sizes)
        for size in self._batch_sizes:
            prefix = f"transform_features/{size}/"
            answered = {name.removeprefix(prefix): value for name, value in served.items() if name.startswith(prefix)}
            for name in sorted(features.keys() | answered.keys()):
                self._compare_bits(f"feature {name}", features.get(name), answered.get(name), raw)
            self._check_order(features, answered)
            for signature in ("serving_default", "serving_raw"):
                self._compare_bits(
                    f"{signature}, batch size {size}", predictions[size], served[f"{signature}/{size}"], raw
                )
                if size != largest:
                    self._compare_within(
                        f"{signature}, batch size {size} against {largest}",
                        served[f"{signature}/{largest}"],
                        served[f"{signature}/{size}"],
                        raw,
                    )
        self._rows += len(raw)

    def as_dict(self) -> dict[str, object]:
        """The whole report, for JSON."""
        return {
            "blessed": self.blessed,
            "rows": self._rows,
            "batch_sizes": list(self._batch_sizes),
            "tolerance": self._tolerance,
            "differences": sum(c.differences for c in self._comparisons.values()),
            "reasons": self.reasons(),
            "comparisons": [dataclasses.asdict(c) for c in self._comparisons.values()],
        }

    def _comparison(self, name: str, rule: str) -> Comparison:
        return self._comparisons.setdefault(name, Comparison(name=name, rule=rule))

    def _compare_bits(
        self, name: str, batch: np.ndarray | None, served: np.ndarray | None, raw: np.ndarray
    ) -> None:
        comparison = self._comparison(name, "equal bit for bit")
        comparison.problem = comparison.problem or _mismatch(batch, served)
        if comparison.problem is None and batch is not None and served is not None:
            differs = (_bits(batch) != _bits(served)).reshape(len(raw), -1).any(axis=1)
            self._count(comparison, batch, served, differs, raw)

    def _compare_within(self, name: str, batch: np.ndarray, served: np.ndarray, raw: np.ndarray) -> None:
        comparison = self._comparison(name, f"within {self._tolerance:g}")
        comparison.problem = comparison.problem or _mismatch(batch, served)
        if comparison.problem is None:
            allowed = self._tolerance * np.maximum(1.0, np.abs(batch))  # relative beyond 1: a regression's scale is its own
            close = np.abs(batch.astype(np.float64) - served) <= allowed
            self._count(comparison, batch, served, ~close.reshape(len(raw), -1).all(axis=1), raw)

    def _count(
        self, comparison: Comparison, batch: np.ndarray, served: np.ndarray, differs: np.ndarray, raw: np.ndarray
    ) -> None:
        if differs.any():
            distance = np.where(differs, _distance(batch, served), -1.0)
            row = int(np.argmax(distance))
            if comparison.worst is None or distance[row] > comparison.worst["difference"]:  # type: ignore[operator]
                comparison.worst = {
                    "row": self._rows + row,
                    "raw": plain(raw[row]),
                    "batch": _listed(batch[row]),
                    "served": _listed(served[row]),
                    "difference": float(distance[row]),
                }
        comparison.rows += len(raw)
        comparison.differences += int(differs.sum())

    def _check_order(self, features: Arrays, answered: Arrays) -> None:
        """Rows pair by position. The same rows in another order are a broken pairing, not skew: say so."""
        names = sorted(features.keys() & answered.keys())
        if any(_mismatch(features[name], answered[name]) for name in names):
            return
        batch, served = ([b"".join(row) for row in zip(*(_rows(arrays[name]) for name in names), strict=True)]
                         for arrays in (features, answered))
        text = "raw and transformed examples hold the same rows in another order: rows cannot be paired by position"
        if batch != served and sorted(batch) == sorted(served) and text not in self._refusals:
            self.refuse(text)


def plain(serialized: bytes) -> dict[str, object]:
    """One raw tf.Example as plain values; an absent value is None."""
    features = tf.train.Example.FromString(serialized).features.feature
    row: dict[str, object] = {}
    for name in sorted(features):
        kind = features[name].WhichOneof("kind")
        values = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v
                  for v in (getattr(features[name], kind).value if kind else ())]
        row[name] = values[0] if len(values) == 1 else values or None
    return row


def _mismatch(batch: np.ndarray | None, served: np.ndarray | None) -> str | None:
    if batch is None:
        return "the exported model has it, Transform did not write it"
    if served is None:
        return "Transform wrote it, the exported model lacks it"
    if batch.dtype.kind != served.dtype.kind and {batch.dtype.kind, served.dtype.kind} != {"S", "O"}:
        return f"dtype {batch.dtype} in the batch path, {served.dtype} in the exported model"
    if batch.shape != served.shape:
        return f"shape {list(batch.shape)} in the batch path, {list(served.shape)} in the exported model"
    return None


def _bits(values: np.ndarray) -> np.ndarray:
    """Values for which == means the same bits: NaN equals itself, -0.0 is not 0.0."""
    if values.dtype.kind == "f":
        return values.view(f"i{values.dtype.itemsize}")
    return values.astype(np.bytes_) if values.dtype.kind == "O" else values


def _rows(values: np.ndarray) -> list[bytes]:
    return [row.tobytes() for row in np.ascontiguousarray(_bits(values))]


def _distance(batch: np.ndarray, served: np.ndarray) -> np.ndarray:
    """Largest absolute difference in each row, [rows] float64; 1 where values have no difference, such as strings."""
    if batch.dtype.kind not in "fi":
        return np.ones(len(batch))
    gap = np.abs(batch.astype(np.float64) - served.astype(np.float64)).reshape(len(batch), -1).max(axis=1)
    return np.where(np.isfinite(gap), gap, np.finfo(np.float64).max)


def _listed(values: np.ndarray) -> object:
    listed = values.tolist()
    return listed[0] if isinstance(listed, list) and len(listed) == 1 else listed
