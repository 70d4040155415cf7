"""Read the logged answers of rows: versions, statuses, latency, decisions and predictions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.traffic_monitor import two_sample
from components.traffic_monitor.cells import show
from components.traffic_monitor.comparison import Comparison
from components.traffic_monitor.samples import Column, Sample
from components.traffic_monitor.window import PREDICTION
from serving.contract import Value
from serving.request_log import columns as log

UNANSWERED = "unanswered"  # the test of a window's requests that no model answered
_ANSWERED = 200  # HTTP status
_USED = (
    log.REQUEST_TIME,
    log.MODEL_VERSION,
    *(name for names in log.ANSWERS_OF.values() for name in names if name != log.ANSWER_PROBABILITIES),
    log.ANSWER_LATENCY_MS,
    log.ANSWER_STATUS,
)
_LATENCY_QUANTILES = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
_PREDICTION_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# To which predictions are rounded: those of a row in a batch and of the same row alone differ in the last bits.
_DECIMALS = 4


class Answers:
    """The logged answers of one window, in the order of its rows."""

    def __init__(self, table: pa.Table) -> None:
        """Wrap a table with the columns of serving.request_log.columns.OWN_COLUMNS, except those that the log drops."""
        self.table = table
        self.answered = np.asarray(pc.fill_null(pc.equal(table[log.ANSWER_STATUS], _ANSWERED), False))

    @classmethod
    def read(cls, file: Path, split: str) -> "Answers":
        """Read the answers of one split from the file that RequestLogExampleGen writes."""
        names = set(pq.read_schema(file).names)
        return cls(
            pq.read_table(
                file, columns=[name for name in _USED if name in names], filters=pc.field("split") == pa.scalar(split)
            )
        )

    @property
    def rows(self) -> int:
        """The number of rows that a model answered."""
        return int(self.answered.sum())

    @cached_property
    def requests(self) -> np.ndarray:
        """A number that identifies the request of each answered row, [answered rows] int: its time in microseconds.

        Unlike the request's id, the time is always logged, and callers cannot choose it.
        """
        return _microseconds(self.table)[self.answered]

    @cached_property
    def versions(self) -> np.ndarray:
        """The model version of each answered row, [answered rows] str; "" where the log drops it."""
        if log.MODEL_VERSION not in self.table.schema.names:
            return np.full(self.rows, "", dtype=object)
        found = np.array(self.table[log.MODEL_VERSION].to_pylist(), dtype=object)[self.answered]
        return np.array(["" if version is None else str(version) for version in found], dtype=object)

    def predictions(self, name: str, places: np.ndarray) -> Sample | None:
        """Return probabilities, values or classes of answered rows as a sample; None if the log drops them.

        Args:
            name: of the sample.
            places: positions among the answered rows, [chosen rows] int or [answered rows] bool.
        """
        names = self.table.schema.names
        if log.ANSWER_CLASS in names:
            chosen = np.array(self.table[log.ANSWER_CLASS].to_pylist(), dtype=object)[self.answered][places]
            return class_sample(chosen, name)
        number = next((each for each in (log.ANSWER_PROBABILITY, log.ANSWER_VALUE) if each in names), None)
        if number is None:
            return None
        values = self.table[number].to_numpy().astype(np.float64)
        return prediction_sample(values[self.answered][places], name)

    @property
    def classes(self) -> tuple[Value, ...]:
        """The classes in the order of the model's outputs; empty for other kinds of task."""
        return log.classes(self.table.schema)

    def describe_versions(self) -> list[dict[str, Any]]:
        """Return rows, requests, decisions, predictions and latency of each version that answered."""
        return [self._describe_version(str(one), self.versions == one) for one in np.unique(self.versions.astype(str))]

    def describe_statuses(self) -> dict[str, int]:
        """Return HTTP status -> requests."""
        return count_statuses(self.table)

    def count_failed(self) -> dict[str, int]:
        """Return version -> requests without an answer; "" if none was asked, or the log drops the column."""
        failed = self.table.filter(pa.array(~self.answered))
        _, firsts = np.unique(_microseconds(failed), return_index=True)
        if log.MODEL_VERSION in failed.schema.names:
            asked = failed[log.MODEL_VERSION].take(firsts).to_pylist()
        else:
            asked = [None] * len(firsts)
        counts = Counter("" if version is None else str(version) for version in asked)
        return dict(sorted(counts.items()))

    def _describe_version(self, version: str, chosen: np.ndarray) -> dict[str, Any]:
        _, first = np.unique(self.requests[chosen], return_index=True)
        found: dict[str, Any] = {"version": version, "rows": int(chosen.sum()), "requests": len(first)}
        if log.ANSWER_DECISION in self.table.schema.names:
            decisions = np.array(self.table[log.ANSWER_DECISION].to_pylist(), dtype=object)[self.answered][chosen]
            known = [decision for decision in decisions if decision is not None]
            found["decided_yes"] = sum(known) / len(known) if known else None
        predictions = self.predictions(version, chosen)
        values = np.empty(0) if predictions is None else predictions.columns[PREDICTION].found
        if len(values) and log.ANSWER_CLASS in self.table.schema.names:
            names, counts = np.unique(values, return_counts=True)
            found["class_shares"] = {
                show(name): count / len(values) for name, count in zip(names, counts.tolist(), strict=True)
            }
        elif len(values):
            found["prediction_mean"] = float(values.mean())
            found["prediction_quantiles"] = {
                f"{share:g}": float(np.quantile(values, share)) for share in _PREDICTION_QUANTILES
            }
        if log.ANSWER_LATENCY_MS in self.table.schema.names:
            latency = self.table[log.ANSWER_LATENCY_MS].to_numpy()[self.answered][chosen]
            found |= {name: float(np.quantile(latency[first], share)) for name, share in _LATENCY_QUANTILES.items()}
        return found


def count_statuses(table: pa.Table) -> dict[str, int]:
    """Return HTTP status -> requests, for rows with the log's columns REQUEST_TIME and ANSWER_STATUS."""
    _, firsts = np.unique(_microseconds(table), return_index=True)
    statuses = table[log.ANSWER_STATUS].take(firsts).to_pylist()
    return {str(status): count for status, count in sorted(Counter(statuses).items())}


def prediction_sample(values: np.ndarray, name: str) -> Sample:
    """Return predictions as a sample; NaN means that one is missing.

    Args:
        values: [rows] float.
        name: of the sample.
    """
    column = Column(name=PREDICTION, ordered=True, values=values.round(_DECIMALS), present=~np.isnan(values))
    return Sample(name=name, rows=len(values), columns={PREDICTION: column})


def class_sample(values: np.ndarray, name: str) -> Sample:
    """Return classes as a sample; None means that one is missing.

    Args:
        values: [rows] object.
        name: of the sample.
    """
    present = np.array([value is not None for value in values], dtype=bool)
    is_text = any(isinstance(value, str) for value in values)
    cells = [("" if is_text else 0) if value is None else value for value in values]
    coded = np.array([cell.encode() if isinstance(cell, str) else cell for cell in cells], object if is_text else None)
    column = Column(name=PREDICTION, ordered=False, values=coded, present=present)
    return Sample(name=name, rows=len(values), columns={PREDICTION: column})


def compare_statuses(window: Mapping[str, int], before: Mapping[str, int]) -> list[Comparison]:
    """Compare the shares of unanswered requests in two windows.

    Args:
        window: HTTP status -> requests.
        before: likewise, of the window before.

    Returns:
        One comparison; none if a window has no requests.
    """
    counts = window, before
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


def _microseconds(table: pa.Table) -> np.ndarray:
    return table[log.REQUEST_TIME].cast(pa.int64()).to_numpy()
