"""A Beam CombineFn that sums batches by slice for all metric combiners at once."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.inputs import Batch, Extracts
from components.evaluator.slices import SlicedBatch, SliceKey, Slicer, canonical
from components.evaluator.sums import Addends, Metrics, Sums

_PENDING = 200_000  # addends that are kept before they are summed, 10 MB


class Table:
    """A sparse table of sums by slice and bucket."""

    def __init__(self, sums: Sums):
        """Start with no sums; `sums` says how many buckets there are, and how many numbers each has."""
        self._buckets, self._width = sums.buckets, sums.width
        self._keys: list[np.ndarray] = []  # slice × buckets + bucket
        self._values: list[np.ndarray] = []
        self._pending = 0

    def add(self, slices: np.ndarray, buckets: np.ndarray, values: np.ndarray) -> None:
        """Add values [addends, width] to the bucket of the slice that each belongs to, int64 [addends] both."""
        self._keys.append(slices * self._buckets + buckets)
        self._values.append(values)
        self._pending += len(values)
        if self._pending > _PENDING:
            self.reduce()

    def reduce(self) -> None:
        """Sum the pending addends, one row per slice and bucket, sorted by both."""
        if len(self._keys) < 2 and not self._pending:
            return
        keys, places = np.unique(np.concatenate(self._keys), return_inverse=True)
        values = np.concatenate(self._values)
        sums = [np.bincount(places, weights=values[:, i], minlength=len(keys)) for i in range(self._width)]
        self._keys, self._values, self._pending = [keys], [np.stack(sums, axis=1)], 0

    def merge(self, other: "Table", numbers: np.ndarray) -> None:
        """Add another table, whose slice i is slice numbers[i] of this one."""
        other.reduce()
        for keys, values in zip(other._keys, other._values, strict=True):
            self.add(numbers[keys // self._buckets], keys % self._buckets, values)

    def by_slice(self, slices: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield for each slice its buckets, ascending, and their totals [buckets, width]."""
        self.reduce()
        keys = np.concatenate([np.empty(0, np.int64), *self._keys])
        values = np.concatenate([np.empty((0, self._width)), *self._values])
        ends = np.searchsorted(keys, np.arange(slices + 1) * self._buckets)
        for begin, end in itertools.pairwise(ends):
            yield keys[begin:end] % self._buckets, values[begin:end]


class Accumulator:
    """The sums of some batches: one table per combiner, and the number of each slice."""

    def __init__(self, sums: Sequence[Sums]):
        """Start with no slices and an empty table per combiner."""
        self.slices: dict[SliceKey, int] = {}
        self.tables = [Table(one) for one in sums]

    def number(self, keys: Iterable[SliceKey]) -> np.ndarray:
        """Return the number of each slice, int64 [keys]; a new slice gets the next number."""
        numbers = [self.slices.setdefault(canonical(key), len(self.slices)) for key in keys]
        return np.array(numbers, dtype=np.int64)


class SliceSums(beam.CombineFn):
    """Sums batches of extracts; the output is a list of (slice, metrics), with the metrics of TFMA's combiners."""

    def __init__(self, sums: Sequence[Sums], eval_config: config_pb2.EvalConfig):
        """Prepare the sums of some combiners, for the slices that the config names."""
        self._sums, self._eval_config = list(sums), eval_config
        self._slicer = Slicer(eval_config)

    def setup(self) -> None:
        """Set up the combiners on a worker."""
        for one in self._sums:
            one.setup()

    def create_accumulator(self) -> Accumulator:
        """Return an empty accumulator."""
        return Accumulator(self._sums)

    def add_input(self, accumulator: Accumulator, extracts: Extracts) -> Accumulator:
        """Add a batch of extracts."""
        batch = Batch(extracts, self._eval_config)
        sliced = self._slicer.slice(batch)
        numbers = accumulator.number(sliced.keys)
        for one, table in zip(self._sums, accumulator.tables, strict=True):
            table.add(*_fan_out(one.addends(batch), sliced, numbers, batch.size))
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Accumulator]) -> Accumulator:
        """Return the sum of some accumulators."""
        merged = self.create_accumulator()
        for accumulator in accumulators:
            numbers = merged.number(accumulator.slices)
            for table, other in zip(merged.tables, accumulator.tables, strict=True):
                table.merge(other, numbers)
        return merged

    def compact(self, accumulator: Accumulator) -> Accumulator:
        """Sum the pending addends, so that less is sent between workers."""
        for table in accumulator.tables:
            table.reduce()
        return accumulator

    def extract_output(self, accumulator: Accumulator) -> list[tuple[SliceKey, Metrics]]:
        """Return each slice with TFMA's results."""
        found: list[tuple[SliceKey, dict[Any, Any]]] = [(key, {}) for key in accumulator.slices]
        for one, table in zip(self._sums, accumulator.tables, strict=True):
            for (_, metrics), (buckets, totals) in zip(found, table.by_slice(len(found)), strict=True):
                metrics.update(one.output(buckets, totals))
        return found


def _fan_out(
    addends: Addends, sliced: SlicedBatch, numbers: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Repeat the addends of each row for each of its slices.

    Args:
        addends: of a batch.
        sliced: the slices of the batch's rows.
        numbers: int64 [keys], the accumulator's number of each slice of `sliced`.
        size: rows of the batch.

    Returns:
        Slice numbers [repeated addends], buckets [repeated addends] and values [repeated addends, width].
    """
    counts = np.bincount(sliced.rows, minlength=size)
    starts = np.cumsum(counts) - counts
    times = counts[addends.rows]
    repeated = np.repeat(np.arange(len(addends.rows)), times)
    within = np.arange(len(repeated)) - np.repeat(np.cumsum(times) - times, times)
    places = np.repeat(starts[addends.rows], times) + within
    return numbers[sliced.slices[places]], addends.buckets[repeated], addends.values[repeated]
