"""Beam's part: each shard is read, encoded, split and written by one worker, into one file per split."""

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.metrics import Metrics

from components.csv_example_gen.csv_files import CellKind, SourceSummary, read_shard
from components.csv_example_gen.example_records import serialize_rows
from components.csv_example_gen.file_parts import Shard
from components.csv_example_gen.reading_rules import ReadingRules
from components.csv_example_gen.record_files import RecordFile
from components.csv_example_gen.source_files import open_source
from components.csv_example_gen.split_plan import SplitPlan

SIDES = TRAIN, EVAL = "train", "eval"
COUNTERS = __name__  # namespace of Beam's counters of rows, one for each side
FILE_PREFIX = "data_tfrecord"  # as TFX's ExampleGen names them


@dataclasses.dataclass(frozen=True, kw_only=True)
class Assignment:
    """What one worker is given."""

    number: int  # of the shard, from 0
    shard: Shard
    shifts: np.ndarray | None  # of its rows; see SplitPlan


def assign(source: SourceSummary, plan: SplitPlan) -> Iterator[Assignment]:
    """Yields the assignments of a source, in the order of its rows."""
    for number, shard in enumerate(source.shards):
        rows = slice(shard.first_row, shard.first_row + shard.rows)
        yield Assignment(number=number, shard=shard, shifts=None if plan.shifts is None else plan.shifts[rows])


class WriteShards(beam.PTransform):
    """Assignment -> nothing; writes the files `data_tfrecord-<number>-of-<shards>.gz` of each side, and counts rows.

    An attempt that fails leaves no file with such a name, and one that is repeated writes the same bytes.
    """

    def __init__(self, source: SourceSummary, plan: SplitPlan, folders: Mapping[str, str]) -> None:
        """Says what all workers have to know.

        Args:
            source: the checked files.
            plan: how their rows are split.
            folders: that the files go to, by side.
        """
        super().__init__()
        self._writer = _WriteShard(
            columns=source.columns,
            rules=source.rules,
            plan=dataclasses.replace(plan, shifts=None),
            folders=dict(folders),
            shards=len(source.shards),
        )

    def expand(self, assignments: beam.pvalue.PCollection) -> beam.pvalue.PCollection:
        """Shares the assignments among the workers."""
        return assignments | "Share" >> beam.Reshuffle() | "Write" >> beam.ParDo(self._writer)


class _WriteShard(beam.DoFn):
    def __init__(
        self,
        *,
        columns: Mapping[str, CellKind],
        rules: ReadingRules,
        plan: SplitPlan,
        folders: Mapping[str, str],
        shards: int,
    ) -> None:
        self._columns = columns
        self._rules = rules
        self._plan = plan
        self._folders = folders
        self._shards = shards
        self._counters = {side: Metrics.counter(COUNTERS, side) for side in SIDES}

    def process(self, assignment: Assignment) -> Iterable[Any]:
        are_eval = self._plan.assigner(list(self._columns))
        name = f"{FILE_PREFIX}-{assignment.number:05d}-of-{self._shards:05d}.gz"
        done = 0
        with ExitStack() as stack:
            files = [stack.enter_context(RecordFile(os.path.join(self._folders[side], name))) for side in SIDES]
            for block in read_shard(assignment.shard, self._columns, self._rules, open_source):
                shifts = None if assignment.shifts is None else assignment.shifts[done : done + block.rows]
                done += block.rows
                records = serialize_rows(self._columns, block.columns)
                is_eval = are_eval(block.columns, records, shifts)
                for side, file, chosen in zip(SIDES, files, (~is_eval, is_eval), strict=True):
                    file.write(records.filter(pa.array(chosen)))
                    self._counters[side].inc(int(np.count_nonzero(chosen)))
        return ()
