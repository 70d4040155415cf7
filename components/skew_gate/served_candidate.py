"""The candidate behind the model server, as it would be served once it is pushed, asked by every transport."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from components.candidate_serving import layout, transports, warmup_records
from components.candidate_serving.candidate_server import ModelServer, ModelServerError
from components.candidate_serving.transports import Answers, Client, Rows
from components.missing_rule import MissingRule
from components.signatures import SERVING_RAW, input_specs
from components.skew_gate import model_probe
from components.tfrecords import read_chunks

SAMPLE_ROWS = 128  # asked one by one


class ServedCandidate:
    """A candidate that is being served; a context manager, at whose end the server ends.

    Entering returns at once: the server loads while its caller does something else.

    Attributes:
        records: the file of warm-up requests that the server replays first.
    """

    def __init__(
        self,
        workdir: Path,
        raw_files: list[str],
        model_dir: str,
        missing: MissingRule,
        warmup_batch_sizes: Sequence[int],
    ):
        """Takes what to serve and what to ask.

        Args:
            workdir: an empty folder.
            raw_files: gzipped TFRecord files of raw tf.Examples.
            model_dir: the SavedModel.
            missing: how serving_raw spells a missing value.
            warmup_batch_sizes: rows of the warm-up requests.
        """
        self.records = workdir / warmup_records.FILE
        self._workdir = workdir
        self._raw_files = raw_files
        self._model_dir = model_dir
        self._missing = {"number": missing.number, "string": missing.string}
        self._warmup_batch_sizes = warmup_batch_sizes
        self._server: ModelServer | None = None
        self._problem: Exception | None = None
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self._specs = input_specs(self._model_dir, SERVING_RAW)
            first = next(read_chunks(self._raw_files), np.array([]))[: max(self._warmup_batch_sizes)]
            warmup_records.write(self.records, self._rows(first), self._warmup_batch_sizes)
        except (OSError, ValueError) as error:  # no SavedModel, or rows that it cannot take: told when it is asked
            self._problem = error
        else:
            base = self._workdir / "versions"
            layout.lay_out(Path(self._model_dir), self.records, base)
            self._server = self._running.enter_context(ModelServer(base, self._workdir))
        return self

    def __exit__(self, *raised: object) -> None:
        self._running.close()

    def answers(self, rows: int, batch_size: int, seconds: float) -> list[Answers]:
        """What every transport answers, chunk of rows by chunk of rows.

        Args:
            rows: how many there are.
            batch_size: rows a call.
            seconds: that the server may take until it is ready, and for each answer.

        Raises:
            ModelServerError: It does not serve the model; in its own words.
        """
        if self._server is None:
            raise ModelServerError(f"{type(self._problem).__name__}: {self._problem}") from self._problem
        chosen = sample(rows)
        with Client(self._server.wait_until_ready(seconds), seconds) as client:
            found = []
            first = 0
            for serialized in read_chunks(self._raw_files):
                positions = [row - first for row in chosen if first <= row < first + len(serialized)]
                found.append(transports.ask(client, self._rows(serialized), batch_size, positions))
                first += len(serialized)
        return found

    def _rows(self, serialized: np.ndarray) -> Rows:
        columns = model_probe.plain_columns(serialized, self._specs, self._missing)
        return Rows(examples=serialized, columns={name: values.numpy() for name, values in columns.items()})


def sample(rows: int) -> list[int]:
    """Which of so many rows are asked one by one: SAMPLE_ROWS at most, evenly over all of them, the same every time."""
    return sorted({int(row) for row in np.linspace(0, rows - 1, min(rows, SAMPLE_ROWS))})
