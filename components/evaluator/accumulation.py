"""A Beam CombineFn that adds up batches, slice by slice, for all combiners at once."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.inputs import Batch, Extracts
from components.evaluator.slices import SlicedBatch, SliceKey, Slicer, canonical
from components.evaluator.sums import Addends, Metrics, Sums

_PENDING = 200_000  # addends that wait to be summed, 10 MB


class Table:
    """Sums by slice and bucket, sparse: what nothing was added to takes no memory."""

    def __init__(self, sums: Sums):
        """Starts empty."""
        self._buckets, self._width = sums.buckets, sums.width
        self._keys: list[np.ndarray] = []  # slice × buckets + bucket
        self._values: list[np.ndarray] = []
        self._pending = 0

    def add(self, slices: np.ndarray, buckets: np.ndarray, values: np.ndarray) -> None:
        """Adds values [addends, width] to the buckets of slices."""
        self._keys.append(slices * self._buckets + buckets)
        self._values.append(values)
        self._pending += len(values)
        if self._pending > _PENDING:
            self.reduce()

    def reduce(self) -> None:
        """Sums what waits."""
        if len(self._keys) < 2 and not self._pending:
            return
        keys, places = np.unique(np.concatenate(self._keys), return_inverse=True)
        values = np.concatenate(self._values)
        sums = [np.bincount(places, weights=values[:, i], minlength=len(keys)) for i in range(self._width)]
        self._keys, self._values, self._pending = [keys], [np.stack(sums, axis=1)], 0

    def merge(self, other: "Table", numbers: np.ndarray) -> None:
        """Adds another table, whose slice i is slice numbers[i] here."""
        other.reduce()
        for keys, values in zip(other._keys, other._values, strict=True):
            self.add(numbers[keys // self._buckets], keys % self._buckets, values)

    def by_slice(self, slices: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields the buckets, ascending, and their totals [buckets, width] of each slice."""
        self.reduce()
        keys = np.concatenate([np.empty(0, np.int64), *self._keys])
        values = np.concatenate([np.empty((0, self._width)), *self._values])
        ends = np.searchsorted(keys, np.arange(slices + 1) * self._buckets)
        for begin, end in itertools.pairwise(ends):
            yield keys[begin:end] % self._buckets, values[begin:end]


class Accumulator:
    """The sums of some batches."""

    def __init__(self, sums: Sequence[Sums]):
        """Starts empty."""
        self.slices: dict[SliceKey, int] = {}
        self.tables = [Table(one) for one in sums]

    def number(self, keys: Iterable[SliceKey]) -> np.ndarray:
        """Numbers slices, known or new: int64 [keys]."""
        numbers = [self.slices.setdefault(canonical(key), len(self.slices)) for key in keys]
        return np.array(numbers, dtype=np.int64)


class SliceSums(beam.CombineFn):
    """Adds up batches of extracts; gives (slice, metrics) for each slice, as TFMA's combiners would."""

    def __init__(self, sums: Sequence[Sums], eval_config: config_pb2.EvalConfig):
        """Takes the combiners, and the config that names the slices."""
        self._sums, self._eval_config = list(sums), eval_config
        self._slicer = Slicer(eval_config)

    def setup(self) -> None:
        """Prepares a worker."""
        for one in self._sums:
            one.setup()

    def create_accumulator(self) -> Accumulator:
        """Starts empty."""
        return Accumulator(self._sums)

    def add_input(self, accumulator: Accumulator, extracts: Extracts) -> Accumulator:
        """Adds a batch."""
        batch = Batch(extracts, self._eval_config)
        sliced = self._slicer.slice(batch)
        numbers = accumulator.number(sliced.keys)
        for one, table in zip(self._sums, accumulator.tables, strict=True):
            table.add(*_fan_out(one.addends(batch), sliced, numbers, batch.size))
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Accumulator]) -> Accumulator:
        """Adds accumulators up."""
        merged = self.create_accumulator()
        for accumulator in accumulators:
            numbers = merged.number(accumulator.slices)
            for table, other in zip(merged.tables, accumulator.tables, strict=True):
                table.merge(other, numbers)
        return merged

    def compact(self, accumulator: Accumulator) -> Accumulator:
        """Sums what waits, before it is sent."""
        for table in accumulator.tables:
            table.reduce()
        return accumulator

    def extract_output(self, accumulator: Accumulator) -> list[tuple[SliceKey, Metrics]]:
        """Makes TFMA's results."""
        found: list[tuple[SliceKey, dict[Any, Any]]] = [(key, {}) for key in accumulator.slices]
        for one, table in zip(self._sums, accumulator.tables, strict=True):
            for (_, metrics), (buckets, totals) in zip(found, table.by_slice(len(found)), strict=True):
                metrics.update(one.output(buckets, totals))
        return found


def _fan_out(
    addends: Addends, sliced: SlicedBatch, numbers: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Repeats what a row adds for each of its slices: slices, buckets and values."""
    counts = np.bincount(sliced.rows, minlength=size)
    starts = np.cumsum(counts) - counts
    times = counts[addends.rows]
    repeated = np.repeat(np.arange(len(addends.rows)), times)
    within = np.arange(len(repeated)) - np.repeat(np.cumsum(times) - times, times)
    places = np.repeat(starts[addends.rows], times) + within
    return numbers[sliced.slices[places]], addends.buckets[repeated], addends.values[repeated]
