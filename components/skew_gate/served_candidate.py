"""Serve the candidate as it would be served after a push, and request its predictions over every transport."""

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

SINGLE_ROWS = 128  # the most rows that are requested one by one


class ServedCandidate:
    """A candidate on a model server, as a context manager.

    `__enter__` starts the server and does not wait until it has loaded the model. `__exit__` ends it.

    Attributes:
        records: the file of warm-up requests, which the server replays before it answers.
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
        """Prepare the server.

        Args:
            workdir: an empty folder.
            raw_files: gzipped TFRecord files of raw tf.Examples; the warm-up requests contain the first rows.
            model_dir: the SavedModel.
            missing: the values of serving_raw that mean that a value is missing.
            warmup_batch_sizes: numbers of rows of the warm-up requests.
            seconds: time limit until the server is ready, and for each response.
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
        except (OSError, ValueError) as error:  # no SavedModel, or rows that it cannot take; `predict` reports it
            self._problem = error
        else:
            base = self._workdir / "versions"
            link_version(Path(self._model_dir), self.records, base)
            self._server = self._running.enter_context(CandidateServer(base, self._workdir))
        return self

    def __exit__(self, *raised: object) -> None:
        self._running.close()

    def predict(self, serialized: np.ndarray, batch_size: int, singly: np.ndarray) -> TransportPredictions:
        """Request the predictions of rows over every transport, in batches and some one by one.

        Args:
            serialized: raw tf.Examples [rows].
            batch_size: rows per request.
            singly: int, ascending positions; up to SINGLE_ROWS of these rows are also requested one by one.

        Returns:
            The predictions of every transport.

        Raises:
            CandidateServerError: The server did not start, or a request failed. The message is the server's if it has
                one.
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
    """Return `size` evenly spread positions of so many rows, or all if there are fewer; the same every time.

    Args:
        rows: number of rows.
        size: number of positions.

    Example:
        >>> choose_sample(11, 3), choose_sample(2, 3)
        ([0, 5, 10], [0, 1])
    """
    return sorted({int(row) for row in np.linspace(0, rows - 1, min(rows, size))})


def link_version(model_dir: Path, records: Path, base: Path) -> None:
    """Make version 1 in the folder `base`, with links to the model's files and the warm-up records, as after a push."""
    model_dir = model_dir.resolve()
    version = base / "1"
    link = warmup_records.path_in(version)
    extra = link.parent  # assets.extra; a new folder and not a link, because the records are added to it
    extra.mkdir(parents=True)
    for source, target in ((model_dir, version), (model_dir / extra.name, extra)):
        for path in source.iterdir() if source.is_dir() else ():
            if not (target / path.name).exists():
                (target / path.name).symlink_to(path)
    link.unlink(missing_ok=True)
    link.symlink_to(records.resolve())
