"""Compare the batch path with the exported model and the model server, row by row.

1. A first pass over all rows measures the columns and chooses a sample of rows (components.skew_gate.sampling).
2. A second pass compares every row in batches of the largest size: the batch path with each signature.
3. The rows of the sample are also compared at every other batch size, and with the model server. In a small data set
   every row is in the sample; of up to SERVED_ROWS rows, the model server predicts all.
4. A row that differs in large batches is also compared at every other batch size, since a difference counts as rounding
   only if another layout gives it. If more than MOST_ASKED_AGAIN rows differ, some drawn at random are compared again,
   and the others pass if all of these do.

The rows are read in chunks, so that memory does not grow with their number.
"""

import dataclasses
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from tfx_bsl.coders import example_coder

from components.candidate_serving.candidate_server import CandidateServerError
from components.candidate_serving.transports import TransportPredictions
from components.signatures import PREDICTIONS, SERVING_DEFAULT, TRANSFORM_FEATURES
from components.skew_gate.batch_path import BatchPath
from components.skew_gate.bitwise import Arrays, are_reordered
from components.skew_gate.columns import Columns, ColumnSurvey
from components.skew_gate.compared_rows import AskedAgain, RowCountError, Rows, require_rows
from components.skew_gate.coverage import Coverage
from components.skew_gate.graph_operations import rounding_operations
from components.skew_gate.report import SkewReport
from components.skew_gate.sampling import Sample, Sampler
from components.stacked_features import split_fitting
from components.tfrecords import read_chunks

# If there are at most this many rows, the model server predicts all of them over every transport; of more rows, the
# sample. Has to be less than one chunk.
SERVED_ROWS = 5_000
# The most rows that are compared again in other layouts. Each costs as much as fifty rows in large batches.
MOST_ASKED_AGAIN = 5_000


class ExportedModel(Protocol):
    """The exported model in a process without a model server; components.skew_gate.probe_process.Probe is one."""

    def read_chunk(self, index: int) -> Arrays:
        """Return the outputs of one chunk of all rows, at the largest batch size."""

    def ask(self, serialized: np.ndarray) -> int:
        """Ask for the outputs of rows in all other layouts, and return the index of the answer."""

    def read_answer(self, index: int, rows: int) -> Arrays:
        """Return the answer with this index, about this number of rows."""


class ServedModel(Protocol):
    """The model behind a server; components.skew_gate.served_candidate.ServedCandidate is one."""

    def predict(self, serialized: np.ndarray, batch_size: int, singly: np.ndarray) -> TransportPredictions:
        """Predict rows in batches, and those at the positions `singly` also one by one."""


class PathComparison:
    """A comparison of all rows on all paths."""

    def __init__(
        self,
        report: SkewReport,
        raw_files: Sequence[str],
        batch_path: BatchPath,
        exported: ExportedModel,
        served: ServedModel | None,
        model_dir: str,
    ):
        """Prepare the comparison.

        Args:
            report: gets the comparisons, and the reasons if nothing can be compared.
            raw_files: gzipped TFRecord files of raw tf.Examples.
            batch_path: the same rows after Transform, in the same order.
            exported: the exported model in a process without a model server.
            served: the model server; None if it is not to be asked.
            model_dir: the SavedModel, whose graph names the operations that round.
        """
        self._report = report
        self._raw_files = raw_files
        self._batch_path = batch_path
        self._exported = exported
        self._served = served
        self._model_dir = model_dir
        self._asked_again = AskedAgain(MOST_ASKED_AGAIN)

    def run(self) -> None:
        """Compare all rows; refuse a model that returns another number of rows than it receives.

        Raises:
            ProbeError: The exported model gives no output in its process.
            ValueError: The type or number of values of a transformed feature differs between rows.
        """
        try:
            self._compare()
        except RowCountError as error:
            self._report.refuse(str(error))

    def _compare(self) -> None:
        sample = self._survey()
        if not sample.total:
            return
        serves_all = sample.total <= SERVED_ROWS
        sampled, waiting = self._walk(sample, settle=not serves_all)
        answer = self._exported.ask(sampled.raw)
        if serves_all:
            (chunk,) = waiting
            singly = np.searchsorted(chunk.numbers, sample.rows)
            chunk = dataclasses.replace(chunk, served=self._serve(chunk.raw, singly))
            sampled = chunk.of(singly)
            self._settle(chunk, sample)
        else:
            served = self._serve(sampled.raw, np.arange(len(sampled)))
            sampled = dataclasses.replace(sampled, served=served)
        again = self._asked_again.rows
        answer_again = None if again is None else self._exported.ask(again.raw)
        self._add_known(sampled, answer, np.isin(sampled.numbers, sample.drawn))
        if again is not None and answer_again is not None:
            self._add_known(again, answer_again, np.zeros(len(again), bool))
        self._describe_coverage(sample, sampled, serves_all)

    def ask_server_alone(self) -> None:
        """Request one row from the model server, so that the report says whether it answers if the probe does not."""
        self._serve(next(read_chunks(self._raw_files))[:1], np.arange(1))

    def _survey(self) -> Sample:
        """Measure the columns and choose the sample."""
        decoder = example_coder.ExamplesToRecordBatchDecoder()
        survey, sampler = ColumnSurvey(self._report.parts), Sampler()
        rows = 0
        for raw, features in zip(read_chunks(self._raw_files), self._batch_path.features(), strict=True):
            rows += len(raw)
            survey.add(features)
            sampler.add(decoder.DecodeBatch(raw.tolist()), split_fitting(features, self._report.parts))
        if rows:
            features_round, predictions_round = (
                rounding_operations(self._model_dir, name) for name in (TRANSFORM_FEATURES, SERVING_DEFAULT)
            )
            self._columns = Columns.of_survey(
                survey, self._batch_path.predict, features_round, predictions_round[PREDICTIONS]
            )
        return sampler.choose()

    def _walk(self, sample: Sample, *, settle: bool) -> tuple[Rows, list[Rows]]:
        """Read every row on both paths in large batches.

        Args:
            sample: the rows that were chosen.
            settle: whether to settle each chunk, instead of returning it.

        Returns:
            The rows of the sample, and the chunks that were not settled.
        """
        held, waiting, first = [], [], 0
        for index, (batch, raw) in enumerate(zip(self._batch_path.chunks(), read_chunks(self._raw_files), strict=True)):
            numbers = np.arange(first, first + len(raw))
            first += len(raw)
            exported = require_rows(self._exported.read_chunk(index), len(raw))
            chunk = Rows(numbers=numbers, raw=raw, batch=batch, exported=exported)
            held.append(chunk.of(np.flatnonzero(np.isin(numbers, sample.rows))))
            if settle:
                self._settle(chunk, sample)
            else:
                waiting.append(chunk)
        return held[0].join(held[1:]), waiting

    def _settle(self, chunk: Rows, sample: Sample) -> None:
        """Compare the rows of a chunk that are not in the sample, and keep those that break a rule for step 4."""
        rest = chunk.of(np.flatnonzero(~np.isin(chunk.numbers, sample.rows)))
        skewed = self._add(self._report.empty(), rest)
        if skewed.any():
            layout = {
                name: chunk.exported[key]
                for name in chunk.batch.features
                if (key := f"{TRANSFORM_FEATURES}/{max(self._report.batch_sizes)}/{name}") in chunk.exported
            }
            if are_reordered(chunk.batch.features, layout):
                self._report.refuse_order()
            presumed = self._asked_again.add(rest.of(np.flatnonzero(skewed)))
            if presumed is not None:
                self._add(self._report, presumed, presumed=True)
        self._add(self._report, rest.of(np.flatnonzero(~skewed)))

    def _serve(self, serialized: np.ndarray, singly: np.ndarray) -> TransportPredictions | None:
        """Return the model server's predictions, or None; the rows at the positions `singly` also one by one."""
        if self._served is None:
            return None
        try:
            return self._served.predict(serialized, max(self._report.batch_sizes), singly)
        except CandidateServerError as error:
            self._report.refuse(f"the model server does not serve the exported model: {error}")
            return None

    def _add(self, report: SkewReport, rows: Rows, *, presumed: bool = False) -> np.ndarray:
        """Add rows that were only computed in large batches; return bool [rows], whether each breaks a rule."""
        if not len(rows):
            return np.zeros(0, bool)
        return report.add(
            rows.batch,
            rows.exported,
            rows.raw,
            rows.served,
            columns=self._columns,
            numbers=rows.numbers,
            drawn=np.zeros(len(rows), bool),
            presumed=presumed,
        )

    def _add_known(self, rows: Rows, answer: int, drawn: np.ndarray) -> None:
        """Add rows that were computed in all layouts; `answer` is the index of the exported model's answer."""
        outputs = require_rows(self._exported.read_answer(answer, len(rows)), len(rows)) | rows.exported
        batch = self._batch_path.at_all_sizes(rows.batch)
        columns, numbers = self._columns, rows.numbers
        self._report.add(batch, outputs, rows.raw, rows.served, columns=columns, numbers=numbers, drawn=drawn)

    def _describe_coverage(self, sample: Sample, sampled: Rows, serves_all: bool) -> None:
        again = 0 if self._asked_again.rows is None else len(self._asked_again.rows)
        served = sampled.served
        self._report.coverage = Coverage(
            rows=sample.total,
            batch_size=max(self._report.batch_sizes),
            in_all_layouts=len(sampled) + again,
            drawn=len(sample.drawn),
            strata={name: len(rows) for name, rows in sample.strata.items()},
            left_out=dict(sample.left_out),
            asked_again=again,
            presumed=self._asked_again.presumed,
            by_server=0 if served is None else sample.total if serves_all else len(sampled),
            drawn_by_server=0 if served is None else sample.total if serves_all else len(sample.drawn),
            singly=0 if served is None else len(served.sample),
        )
