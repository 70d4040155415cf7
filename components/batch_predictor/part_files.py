"""The parts of an output that is being made: each is complete or does not count, and all are of one job.

Layout of the folder, beside the output::

    job.json                what the parts belong to: PredictionJob.identity, and the model's outputs
    part-00003.parquet      predictions of shard 3
    refused-00003.csv       its refused rows, without a header
    part-00003.json         PartCounts; written last, so that what it counts is whole
    fault-00003.txt         why the file of the shard cannot be read: engines differ in what they make of an exception
"""

import collections
import contextlib
import csv
import dataclasses
import json
import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from components.batch_predictor.row_check import Refusal
from serving.durable_file import sync, write_whole

_JOB_FILE = "job.json"
REFUSED_COLUMNS = ("file", "line", "column", "cell", "reason")


@dataclasses.dataclass(kw_only=True)
class PartCounts:
    """What became of the rows of a part, or of all parts."""

    predicted: int = 0
    refused: int = 0
    faults: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)  # "column: reason"
    decided: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)  # by decision

    def add(self, other: Self) -> None:
        """Add the counts of further rows."""
        self.predicted += other.predicted
        self.refused += other.refused
        self.faults.update(other.faults)
        self.decided.update(other.decided)


class PartFiles:
    """The folder of the parts; every worker sees it."""

    def __init__(self, folder: Path) -> None:
        """Say where it is; see `begin`."""
        self.folder = folder

    def begin(self, identity: str, shards: int) -> list[int]:
        """Make the folder, empties it of the parts of another job, and returns which shards have no part yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        job = {"identity": identity, "shards": shards}
        if self._read(_JOB_FILE) != job:
            self._clear()
            write_whole(self.folder / _JOB_FILE, json.dumps(job))
        for fault in self.folder.glob("fault-*.txt"):
            fault.unlink()
        return [shard for shard in range(shards) if not self._counts_path(shard).exists()]

    def disown(self) -> None:
        """Make the parts those of no job: what they were made of is not known."""
        (self.folder / _JOB_FILE).unlink(missing_ok=True)

    def note_fault(self, shard: int, message: str) -> None:
        """Say why a shard cannot be read."""
        write_whole(self.folder / f"fault-{shard:05d}.txt", message)

    def first_fault(self) -> str | None:
        """Return why the first shard that cannot be read cannot; None where there is none."""
        faults = sorted(self.folder.glob("fault-*.txt"))
        return faults[0].read_text(encoding="utf-8") if faults else None

    def counts(self, shard: int) -> PartCounts:
        """Read the counts of a complete part.

        Raises:
            FileNotFoundError: It is not complete.
        """
        found = json.loads(self._counts_path(shard).read_text())
        return PartCounts(
            predicted=found["predicted"],
            refused=found["refused"],
            faults=collections.Counter(found["faults"]),
            decided=collections.Counter(found["decided"]),
        )

    def predictions(self, shard: int) -> Path:
        """The file of the predictions of a part."""
        return self.folder / f"part-{shard:05d}.parquet"

    def refused(self, shard: int) -> Path:
        """The file of the refused rows of a part, which is there if there are any."""
        return self.folder / f"refused-{shard:05d}.csv"

    @contextlib.contextmanager
    def write(self, shard: int, schema: pa.Schema) -> Iterator["PartWriter"]:
        """Write a part. It is complete when the block ends without an exception."""
        # An engine may run one attempt beside another, or again.
        predictions, refused = (self.folder / f"{uuid.uuid4().hex}.tmp" for _ in range(2))
        try:
            with pq.ParquetWriter(predictions, schema) as rows, refused.open("w", newline="") as stream:
                writer = PartWriter(rows, stream)
                yield writer
            for written, place in ((refused, self.refused(shard)), (predictions, self.predictions(shard))):
                sync(written)
                written.replace(place)
            write_whole(self._counts_path(shard), json.dumps(vars(writer.counts)))
        finally:
            for left in (predictions, refused):
                left.unlink(missing_ok=True)

    def _counts_path(self, shard: int) -> Path:
        return self.folder / f"part-{shard:05d}.json"

    def _read(self, name: str) -> object:
        path = self.folder / name
        return json.loads(path.read_text()) if path.exists() else None

    def _clear(self) -> None:
        self.disown()  # first: what a kill leaves then belongs to no job
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif not path.name.startswith("."):  # the lock
                path.unlink()


class PartWriter:
    """Writes the rows of one part, and counts them."""

    def __init__(self, rows: pq.ParquetWriter, refused: TextIO) -> None:
        self.counts = PartCounts()
        self._rows = rows
        self._refused = csv.writer(refused)

    def add(self, table: pa.Table, decisions: Sequence[tuple[str, int]]) -> None:
        """Append predicted rows; `decisions` is how often each decision is among them."""
        self._rows.write_table(table)
        self.counts.predicted += len(table)
        for name, number in decisions:
            self.counts.decided[name] += number

    def refuse(self, file: str, refusals: Sequence[Refusal]) -> None:
        """Append refused rows, with all their faults."""
        for fault in refusals:
            self._refused.writerow((file, fault.line, fault.column, fault.cell, fault.reason))
            self.counts.faults[f"{fault.column}: {fault.reason}" if fault.column else fault.reason] += 1
        self.counts.refused += len({fault.line for fault in refusals})
