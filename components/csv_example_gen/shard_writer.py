"""Write shards in Beam: one worker reads, encodes and splits each shard and writes one file per split."""

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from tfx.dsl.io import fileio

from components.csv_example_gen.csv_files import CellKind, SourceSummary, read_shard
from components.csv_example_gen.example_records import serialize_rows
from components.csv_example_gen.file_parts import Shard
from components.csv_example_gen.reading_rules import ReadingRules
from components.csv_example_gen.record_files import RecordFile
from components.csv_example_gen.source_files import open_source
from components.csv_example_gen.split_plan import SplitPlan
from components.csv_example_gen.written_splits import SplitCheckError

SIDES = TRAIN, EVAL = "train", "eval"
FILE_PREFIX = "data_tfrecord"  # as in TFX's ExampleGen


@dataclasses.dataclass(frozen=True, kw_only=True)
class Assignment:
    """A shard for a worker, with its rows' share of the plan."""

    number: int  # number of the shard, from 0
    shard: Shard
    shifts: np.ndarray | None  # SplitPlan.shifts of the shard's rows


def assign(source: SourceSummary, plan: SplitPlan) -> Iterator[Assignment]:
    """Yield the assignments of a source, in the order of its rows."""
    for number, shard in enumerate(source.shards):
        rows = slice(shard.first_row, shard.first_row + shard.rows)
        yield Assignment(number=number, shard=shard, shifts=None if plan.shifts is None else plan.shifts[rows])


class WriteShards(beam.PTransform):
    """Writes the files `data_tfrecord-<number>-of-<shards>.gz` of each side, and counts rows; elements are Assignments.

    The output is empty. An attempt that fails leaves no file with such a name, and a repeated attempt writes the same
    bytes. Row counts are written to files, since an engine's own counters may include failed attempts.
    """

    def __init__(self, source: SourceSummary, plan: SplitPlan, folders: Mapping[str, str], scratch: str) -> None:
        """Store what all workers need.

        Args:
            source: the checked source.
            plan: how its rows are split.
            folders: folder of each side's files.
            scratch: folder for unfinished files and for row counts.
        """
        super().__init__()
        self._writer = _WriteShard(
            columns=source.columns,
            rules=source.rules,
            plan=dataclasses.replace(plan, shifts=None),
            folders=dict(folders),
            scratch=scratch,
            shards=len(source.shards),
        )

    def expand(self, assignments: beam.pvalue.PCollection) -> beam.pvalue.PCollection:
        """Distribute the assignments over the workers, which write them."""
        return assignments | "Share" >> beam.Reshuffle() | "Write" >> beam.ParDo(self._writer)


class _WriteShard(beam.DoFn):
    def __init__(
        self,
        *,
        columns: Mapping[str, CellKind],
        rules: ReadingRules,
        plan: SplitPlan,
        folders: Mapping[str, str],
        scratch: str,
        shards: int,
    ) -> None:
        self._columns = columns
        self._rules = rules
        self._plan = plan
        self._folders = folders
        self._scratch = scratch
        self._shards = shards

    def process(self, assignment: Assignment) -> Iterable[Any]:
        """Write one shard."""
        are_eval = self._plan.assigner(list(self._columns))
        name = f"{FILE_PREFIX}-{assignment.number:05d}-of-{self._shards:05d}.gz"
        rows = dict.fromkeys(SIDES, 0)
        with ExitStack() as stack:
            files = {
                side: stack.enter_context(RecordFile(os.path.join(self._folders[side], name), self._scratch))
                for side in SIDES
            }
            for block in read_shard(assignment.shard, self._columns, self._rules, open_source):
                done = sum(rows.values())
                shifts = None if assignment.shifts is None else assignment.shifts[done : done + block.rows]
                records = serialize_rows(self._columns, block.columns)
                is_eval = are_eval(block.columns, records, shifts)
                for side, chosen in ((TRAIN, ~is_eval), (EVAL, is_eval)):
                    files[side].write(records.filter(pa.array(chosen)))
                    rows[side] += int(np.count_nonzero(chosen))
        with fileio.open(_counts_path(self._scratch, assignment.number), "w") as stream:
            stream.write(json.dumps(rows))
        return ()


def count_rows(source: SourceSummary, scratch: str) -> dict[str, int]:
    """Return the number of rows that were written, by side.

    Raises:
        SplitCheckError: A shard was not written, or its number of rows differs from that of the check.
    """
    rows = dict.fromkeys(SIDES, 0)
    for number, shard in enumerate(source.shards):
        of_shard = _read_counts(_counts_path(scratch, number))
        if sum(of_shard.values()) != shard.rows:
            raise SplitCheckError(
                f"shard {number} of {len(source.shards)}: expected {shard.rows:,} rows, as were checked, received "
                f"{sum(of_shard.values()):,}. The fault is not in the data. Report it."
            )
        for side in SIDES:
            rows[side] += of_shard[side]
    return rows


def _read_counts(path: str) -> dict[str, int]:
    if not fileio.exists(path):
        return {}
    with fileio.open(path) as stream:
        return dict(json.loads(stream.read()))


def _counts_path(scratch: str, number: int) -> str:
    return os.path.join(scratch, f"rows-{number:05d}.json")
