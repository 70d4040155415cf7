"""Store the parts of an unfinished output in a folder next to it; all parts belong to one job.

Layout of the folder::

    job.json                PredictionJob.identity, and the number of shards
    part-00003.parquet      predictions of shard 3
    refused-00003.csv       its refused rows, without a header
    part-00003.json         its PartCounts; written last, so a part that has it is complete
    fault-00003.txt         why the file of the shard cannot be read; engines pass on exceptions in different forms
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
    """Numbers of predicted and refused rows of a part, or of all parts."""

    predicted: int = 0
    refused: int = 0
    faults: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)  # by "column: reason"
    decided: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)  # by decision

    def add(self, other: Self) -> None:
        """Add the counts of further rows."""
        self.predicted += other.predicted
        self.refused += other.refused
        self.faults.update(other.faults)
        self.decided.update(other.decided)


class PartFiles:
    """The folder of the parts, which all workers share."""

    def __init__(self, folder: Path) -> None:
        """Store the folder's path; `begin` creates it."""
        self.folder = folder

    def begin(self, identity: str, shards: int) -> list[int]:
        """Create the folder, remove parts of other jobs, and return the numbers of shards without a complete part."""
        self.folder.mkdir(parents=True, exist_ok=True)
        job = {"identity": identity, "shards": shards}
        if self._read(_JOB_FILE) != job:
            self._clear()
            write_whole(self.folder / _JOB_FILE, json.dumps(job))
        for fault in self.folder.glob("fault-*.txt"):
            fault.unlink()
        return [shard for shard in range(shards) if not self._counts_path(shard).exists()]

    def forget_job(self) -> None:
        """Remove the name of the parts' job, so that the next `begin` removes the parts."""
        (self.folder / _JOB_FILE).unlink(missing_ok=True)

    def note_fault(self, shard: int, message: str) -> None:
        """Record why a shard cannot be read."""
        write_whole(self.folder / f"fault-{shard:05d}.txt", message)

    def first_fault(self) -> str | None:
        """Return the message of the first shard that cannot be read; None if all can be read."""
        faults = sorted(self.folder.glob("fault-*.txt"))
        return faults[0].read_text(encoding="utf-8") if faults else None

    def counts(self, shard: int) -> PartCounts:
        """Return the counts of a complete part.

        Raises:
            FileNotFoundError: The part is not complete.
        """
        found = json.loads(self._counts_path(shard).read_text())
        return PartCounts(
            predicted=found["predicted"],
            refused=found["refused"],
            faults=collections.Counter(found["faults"]),
            decided=collections.Counter(found["decided"]),
        )

    def predictions(self, shard: int) -> Path:
        """Return the path of a part's predictions."""
        return self.folder / f"part-{shard:05d}.parquet"

    def refused(self, shard: int) -> Path:
        """Return the path of a part's refused rows; the file of a complete part is empty if there are none."""
        return self.folder / f"refused-{shard:05d}.csv"

    @contextlib.contextmanager
    def write(self, shard: int, schema: pa.Schema) -> Iterator["PartWriter"]:
        """Yield a writer of a part, which is complete when the block ends without an exception."""
        # Temporary names are random, since an engine may run several attempts, also at the same time.
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
        self.forget_job()  # first, so that parts left after a kill belong to no job
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif not path.name.startswith("."):  # keeps the lock
                path.unlink()


class PartWriter:
    """Writes the rows of a part and counts them."""

    def __init__(self, rows: pq.ParquetWriter, refused: TextIO) -> None:
        self.counts = PartCounts()
        self._rows = rows
        self._refused = csv.writer(refused)

    def add(self, table: pa.Table, decisions: Sequence[tuple[str, int]]) -> None:
        """Append predicted rows; `decisions` gives the number of rows with each decision."""
        self._rows.write_table(table)
        self.counts.predicted += len(table)
        for name, number in decisions:
            self.counts.decided[name] += number

    def refuse(self, file: str, refusals: Sequence[Refusal]) -> None:
        """Append the faults of refused rows, one line each."""
        for fault in refusals:
            self._refused.writerow((file, fault.line, fault.column, fault.cell, fault.reason))
            self.counts.faults[f"{fault.column}: {fault.reason}" if fault.column else fault.reason] += 1
        self.counts.refused += len({fault.line for fault in refusals})
