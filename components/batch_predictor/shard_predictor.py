"""Predict shards in Beam: one worker reads, checks and predicts each shard and writes it as one part."""

import concurrent.futures
import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.utils.shared import Shared

from components.batch_predictor.errors import BatchPredictionError
from components.batch_predictor.job import DECISION, PredictionJob
from components.batch_predictor.model import RawSignature, to_inputs
from components.batch_predictor.output import make_table, output_schema
from components.batch_predictor.part_files import PartFiles
from components.batch_predictor.row_check import Refusal, RowCheck
from components.batch_predictor.rows import WrittenRows, read_rows
from components.csv_example_gen.file_contents import SourceError
from components.csv_example_gen.file_parts import Shard

_Item = TypeVar("_Item")


class PredictShards(beam.PTransform):
    """Writes the part of each shard; elements are (number, Shard), and the output is empty.

    An attempt that fails leaves no part. A repeated attempt writes the same rows.
    """

    def __init__(self, job: PredictionJob, header: Sequence[str], parts: PartFiles) -> None:
        """Store the job, the files' header, and where the parts go."""
        super().__init__()
        self._predictor = _PredictShard(job, list(header), parts)

    def expand(self, shards: beam.pvalue.PCollection) -> beam.pvalue.PCollection:
        """Distribute the shards over the workers, which predict them."""
        return shards | "Share" >> beam.Reshuffle() | "Predict" >> beam.ParDo(self._predictor)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Checked:
    """Checked rows with the inputs of the model."""

    file: str
    lines: np.ndarray
    kept: list[pa.Array]
    inputs: dict[str, np.ndarray]
    refusals: list[Refusal]


class _PredictShard(beam.DoFn):
    def __init__(self, job: PredictionJob, header: list[str], parts: PartFiles) -> None:
        self._job = job
        self._header = header
        self._parts = parts
        self._shared = Shared()  # one model per process, shared by its threads

    def setup(self) -> None:
        """Load the model."""
        self._model = self._shared.acquire(lambda: RawSignature(self._job.model), tag=str(self._job.model))
        self._check = RowCheck.of_model(self._job.model, self._header, self._job.files[0])

    def process(self, numbered: tuple[int, Shard]) -> Iterable[Any]:
        """Write the part of one shard, or record why it cannot be read."""
        number, shard = numbered
        try:
            self._write(number, shard)
        except SourceError as error:
            self._parts.note_fault(number, str(error))
        return ()

    def _write(self, number: int, shard: Shard) -> None:
        with self._parts.write(number, output_schema(self._job, self._model.outputs)) as part:
            checked = map(self._prepare, read_rows(shard, self._header))
            for rows in _one_ahead(checked):
                part.refuse(rows.file, rows.refusals)
                if len(rows.lines):
                    predictions = self._model.predict(rows.inputs)
                    _check_numbers(rows, predictions)
                    table = make_table(self._job, rows.file, rows.lines, rows.kept, predictions)
                    part.add(table, _count_decisions(table))

    def _prepare(self, rows: WrittenRows) -> _Checked:
        found = self._check.check(rows.lines, rows.cells)
        chosen = pa.array(found.accepted)
        return _Checked(
            file=rows.file,
            lines=rows.lines[found.accepted],
            kept=[rows.cells[self._header.index(name)].filter(chosen) for name in self._job.keep],
            inputs=to_inputs(self._check.contract, found.columns),
            refusals=sorted([*found.refusals, *rows.ragged], key=lambda refusal: refusal.line),
        )


def _check_numbers(rows: _Checked, predictions: np.ndarray) -> None:
    """Check that each prediction is finite, as the gateway does: the decision for NaN would be false.

    Args:
        rows: the rows that were predicted.
        predictions: float32 [rows, outputs].

    Raises:
        BatchPredictionError: A prediction is NaN or infinite.
    """
    wrong = np.flatnonzero(~np.isfinite(predictions).all(axis=1))
    if len(wrong):
        raise BatchPredictionError(
            f"{rows.file}, line {rows.lines[wrong[0]]}: expected the model to predict a finite number, received "
            f"{predictions[wrong[0]].tolist()}; {len(wrong)} of the {len(rows.lines)} rows of this batch have such "
            "predictions. Predict with another version."
        )


def _one_ahead(items: Iterator[_Item]) -> Iterator[_Item]:
    """Yield items while a thread makes the next one; Arrow and TensorFlow release the interpreter lock."""
    nothing = object()
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
        waiting = pool.submit(next, items, nothing)
        while (item := waiting.result()) is not nothing:
            waiting = pool.submit(next, items, nothing)
            yield item  # type: ignore[misc]


def _count_decisions(table: pa.Table) -> list[tuple[str, int]]:
    if DECISION not in table.column_names:
        return []
    counted = table.column(DECISION).value_counts().to_pylist()
    return [(json.dumps(pair["values"]).strip('"'), pair["counts"]) for pair in counted]
