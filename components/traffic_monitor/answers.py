"""What the log says of rows beside their features: versions, statuses, latency, decisions, predictions."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.traffic_monitor import two_sample
from components.traffic_monitor.comparison import Comparison
from components.traffic_monitor.samples import Column, Sample
from components.traffic_monitor.window import PREDICTION
from serving.request_log import columns as log

UNANSWERED = "unanswered"  # the test of a window's requests that no model answered
_ANSWERED = 200  # HTTP status
_LATENCY_QUANTILES = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
_PREDICTION_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# Of predictions: a model gives a row in a batch and by itself answers that differ in the last bits.
_DECIMALS = 4


class Answers:
    """The logged answers of one window, in the order of its rows."""

    def __init__(self, table: pa.Table) -> None:
        """Takes the columns of serving.request_log.columns.OWN_COLUMNS, less those that the log drops."""
        self.table = table
        self.answered = np.asarray(pc.fill_null(pc.equal(table[log.ANSWER_STATUS], _ANSWERED), False))

    @classmethod
    def read(cls, file: Path, split: str) -> "Answers":
        """Reads those of one split of the file that RequestLogExampleGen writes."""
        table = pq.read_table(file)
        return cls(table.filter(pc.equal(table["split"], split)))

    @property
    def rows(self) -> int:
        """Rows that a model answered."""
        return int(self.answered.sum())

    @property
    def requests(self) -> np.ndarray | None:
        """A code of the request of each answered row, [answered rows]; None where the log drops it."""
        if log.REQUEST_ID not in self.table.schema.names:
            return None
        ids = np.array(self.table[log.REQUEST_ID].to_pylist(), dtype=object)[self.answered]
        return np.unique(ids, return_inverse=True)[1] if len(ids) else np.zeros(0, np.int64)

    @property
    def versions(self) -> np.ndarray:
        """The model version of each answered row, [answered rows] str; "" where the log drops it."""
        if log.MODEL_VERSION not in self.table.schema.names:
            return np.full(self.rows, "", dtype=object)
        found = np.array(self.table[log.MODEL_VERSION].to_pylist(), dtype=object)[self.answered]
        return np.array(["" if version is None else str(version) for version in found], dtype=object)

    def predictions(self, name: str, chosen: np.ndarray | None = None) -> Sample | None:
        """The predictions of answered rows as a sample; None where the log drops them, or has none.

        Args:
            name: of the sample.
            chosen: which answered rows, [answered rows] bool; None: all.
        """
        if log.ANSWER_PROBABILITY not in self.table.schema.names:
            return None
        values = np.array(self.table[log.ANSWER_PROBABILITY].to_numpy(), dtype=np.float64)
        rows = np.ones(self.rows, bool) if chosen is None else chosen
        requests = self.requests
        return prediction_sample(values[self.answered][rows], name, None if requests is None else requests[rows])

    def describe_versions(self) -> list[dict[str, Any]]:
        """Rows, requests, decisions, predictions and latency of each version that answered."""
        versions = self.versions
        return [self._describe_version(str(one), versions == one) for one in np.unique(versions.astype(str))]

    def describe_statuses(self) -> dict[str, int]:
        """HTTP status -> requests."""
        statuses = self._of_first_rows(log.ANSWER_STATUS)
        return {str(status): count for status, count in sorted(Counter(statuses).items())}

    def _describe_version(self, version: str, chosen: np.ndarray) -> dict[str, Any]:
        requests = self.requests
        found: dict[str, Any] = {"version": version, "rows": int(chosen.sum())}
        if requests is not None:
            found["requests"] = len(np.unique(requests[chosen]))
        if log.ANSWER_DECISION in self.table.schema.names:
            decisions = np.array(self.table[log.ANSWER_DECISION].to_pylist(), dtype=object)[self.answered][chosen]
            told = [decision for decision in decisions if decision is not None]
            found["decided_yes"] = sum(told) / len(told) if told else None
        predictions = self.predictions(version, chosen)
        if predictions is not None and len(predictions.columns[PREDICTION].found):
            values = predictions.columns[PREDICTION].found
            found["prediction_mean"] = float(values.mean())
            found["prediction_quantiles"] = {
                f"{share:g}": float(np.quantile(values, share)) for share in _PREDICTION_QUANTILES
            }
        if log.ANSWER_LATENCY_MS in self.table.schema.names:
            latency = self.table[log.ANSWER_LATENCY_MS].to_numpy()[self.answered][chosen]
            _, first = np.unique(np.arange(len(latency)) if requests is None else requests[chosen], return_index=True)
            found |= {name: float(np.quantile(latency[first], share)) for name, share in _LATENCY_QUANTILES.items()}
        return found

    def _of_first_rows(self, name: str) -> list[Any]:
        """A column's value of each request."""
        values = self.table[name].to_pylist()
        if log.REQUEST_ID not in self.table.schema.names:
            return values
        return list(dict(zip(self.table[log.REQUEST_ID].to_pylist(), values, strict=True)).values())


def prediction_sample(values: np.ndarray, name: str, requests: np.ndarray | None = None) -> Sample:
    """Predictions as a sample; NaN is a missing one.

    Args:
        values: [rows] float.
        name: of the sample.
        requests: of each row, [rows].
    """
    column = Column(name=PREDICTION, ordered=True, values=values.round(_DECIMALS), present=~np.isnan(values))
    if requests is not None and len(np.unique(requests)) == len(values):
        requests = None
    return Sample(name=name, rows=len(values), columns={PREDICTION: column}, requests=requests)


def compare_statuses(window: Answers, before: Answers) -> list[Comparison]:
    """Whether more or fewer requests went unanswered than in the window before."""
    counts = [one.describe_statuses() for one in (window, before)]
    totals = [sum(count.values()) for count in counts]
    failed = [total - count.get(str(_ANSWERED), 0) for total, count in zip(totals, counts, strict=True)]
    if not all(totals):
        return []
    shares: Sequence[float] = [part / total for part, total in zip(failed, totals, strict=True)]
    return [
        Comparison(
            column="",
            test=UNANSWERED,
            window="window",
            reference="window before",
            p_value=two_sample.fisher(failed[0], totals[0], failed[1], totals[1]),
            observed=f"{shares[0]:.2%} of {totals[0]:,} requests unanswered",
            expected=f"{shares[1]:.2%} of {totals[1]:,}",
        )
    ]
