"""Serves the candidate as it would be served once it is pushed, and requests its predictions over every transport."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from components.candidate_serving import transports, warmup_records
from components.candidate_serving.candidate_server import CandidateServer, CandidateServerError
from components.candidate_serving.transports import CandidateClient, RequestBatch, TransportPredictions
from components.missing_rule import MissingRule
from components.signatures import SERVING_RAW, input_specs
from components.skew_gate import model_probe
from components.skew_gate.probe_process import missing_values
from components.tfrecords import read_chunks

SINGLE_ROWS = 128  # requested one by one


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
        seconds: float,
    ):
        """Takes the model and the rows.

        Args:
            workdir: an empty folder.
            raw_files: gzipped TFRecord files of raw tf.Examples; the warm-up requests are made of the first.
            model_dir: the SavedModel.
            missing: how serving_raw spells a missing value.
            warmup_batch_sizes: rows of the warm-up requests.
            seconds: that the server may take until it is ready, and for each response.
        """
        self.records = workdir / warmup_records.FILE
        self._workdir = workdir
        self._raw_files = raw_files
        self._model_dir = model_dir
        self._missing = missing_values(missing)
        self._warmup_batch_sizes = warmup_batch_sizes
        self._seconds = seconds
        self._server: CandidateServer | None = None
        self._problem: Exception | None = None
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self._specs = input_specs(self._model_dir, SERVING_RAW)
            first = next(read_chunks(self._raw_files), np.array([], object))[: max(self._warmup_batch_sizes)]
            warmup_records.write(self.records, self._request(first), self._warmup_batch_sizes)
        except (OSError, ValueError) as error:  # no SavedModel, or rows that it cannot take: `predict` raises it
            self._problem = error
        else:
            base = self._workdir / "versions"
            link_version(Path(self._model_dir), self.records, base)
            self._server = self._running.enter_context(CandidateServer(base, self._workdir))
        return self

    def __exit__(self, *raised: object) -> None:
        self._running.close()

    def predict(self, serialized: np.ndarray, batch_size: int, singly: np.ndarray) -> TransportPredictions:
        """Requests the predictions of rows over every transport, in batches and some one by one.

        Args:
            serialized: raw tf.Examples [rows].
            batch_size: rows a request.
            singly: int, ascending positions, of which up to SINGLE_ROWS are requested one by one, too.

        Raises:
            CandidateServerError: The server does not serve the model; the message is its own.
        """
        if self._server is None:
            raise CandidateServerError(f"{type(self._problem).__name__}: {self._problem}") from self._problem
        with CandidateClient(self._server.wait_until_ready(self._seconds), self._seconds) as client:
            singles = [int(singly[place]) for place in choose_sample(len(singly), SINGLE_ROWS)]
            return transports.predict(client, self._request(serialized), batch_size, singles)

    def _request(self, serialized: np.ndarray) -> RequestBatch:
        columns = model_probe.build_request_columns(serialized, self._specs, self._missing)
        return RequestBatch(examples=serialized, columns={name: values.numpy() for name, values in columns.items()})


def choose_sample(rows: int, size: int) -> list[int]:
    """Chooses `size` of so many rows, or all where there are fewer: spread evenly, the same every time."""
    return sorted({int(row) for row in np.linspace(0, rows - 1, min(rows, size))})


def link_version(model_dir: Path, records: Path, base: Path) -> None:
    """Makes version 1 of a model below `base`, as Pusher would push it: links to its files and its warm-up records."""
    model_dir = model_dir.resolve()
    version = base / "1"
    link = warmup_records.path_in(version)
    beside = link.parent  # a folder of its own, since something is added to it
    beside.mkdir(parents=True)
    for source, target in ((model_dir, version), (model_dir / beside.name, beside)):
        for path in source.iterdir() if source.is_dir() else ():
            if not (target / path.name).exists():
                (target / path.name).symlink_to(path)
    link.unlink(missing_ok=True)
    link.symlink_to(records.resolve())
