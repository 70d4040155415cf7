"""Write the request log: a sample of requests and their answers, in Parquet. No request waits for it or fails by it.

`offer` puts a request into a bounded queue, and a thread writes it. If the queue is full, the disk is full, or the
folder cannot be written, rows are lost; they are counted, and the fault is logged::

    log = RequestLog(RequestLogSettings(folder=Path("var/requests"), sample_rate=0.1), contract, registry=registry)
    log.offer(request_id="8daee660", rows=[{"fare": 12.5}], probabilities=[0.31], decisions=[False], model_version=3,
              model_label=None, status=200, latency_ms=4.2)
    log.close()
"""

import collections
import datetime
import random
import threading
import time
import traceback
from collections.abc import Sequence

import structlog
from prometheus_client import CollectorRegistry, Counter

from serving.contract import Contract, Row, Value
from serving.contract.target import BINARY_TARGET, Target
from serving.request_log import columns
from serving.request_log.encoding import LoggedRequest, RowEncoder, RowError
from serving.request_log.files import GrowingFile, LogFolder
from serving.request_log.pending import PendingRequests
from serving.request_log.settings import RequestLogSettings

_GROUP_ROWS = 512  # rows encoded at a time: this takes milliseconds, during which requests wait for the interpreter

_log = structlog.get_logger(__name__)


class RequestLog:
    """Log requests. Thread-safe.

    Args:
        settings: what is kept, where, and for how long.
        contract: the features of a row.
        registry: receives the counter `gateway_request_log_rows_total{result}`; `result` is `written` (the row's file
            is complete), `dropped` (the queue was full) or `failed` (the log has the fault).
        pending: receives the requests that no finished file holds yet; None if they are not needed.
        draw: the random generator of the sample.
        target: the kind of prediction, which determines an answer's columns.

    Raises:
        ValueError: A dropped or hashed column does not exist; or a feature has the name of a column of the log itself.
    """

    def __init__(
        self,
        settings: RequestLogSettings,
        contract: Contract,
        *,
        registry: CollectorRegistry,
        pending: PendingRequests | None = None,
        draw: random.Random | None = None,
        target: Target = BINARY_TARGET,
    ) -> None:
        columns.check_names(contract, settings.dropped, settings.hashed, target)
        self._settings = settings
        self._pending = pending
        self._draw = draw or random.Random()
        self._encoder = RowEncoder(contract, settings, target)  # imports pyarrow now, before requests come
        counter = Counter(
            "gateway_request_log_rows",
            "Rows of sampled requests, by result in the request log",
            ["result"],
            registry=registry,
        )
        self._written, self._dropped, self._failed = (
            counter.labels(result) for result in ("written", "dropped", "failed")
        )
        self._queue: collections.deque[LoggedRequest] = collections.deque()
        self._queued_rows = 0
        self._oldest = 0.0  # seconds of time.monotonic at which the oldest queued request came
        self._closed = False
        self._file: GrowingFile | None = None
        self._unsettled = 0  # rows that the writer took and that no counter counts yet
        self._unfinished: list[str] = []  # ids of the requests that the writer took since the last file ended
        self._changed = threading.Condition()
        self._group_rows = min(_GROUP_ROWS, settings.max_file_rows, settings.queue_rows)
        self._folder = LogFolder(settings)
        self._thread = threading.Thread(target=self._run, name="request-log", daemon=True)
        self._thread.start()

    def offer(
        self,
        *,
        request_id: str,
        rows: Sequence[Row],
        probabilities: Sequence[float | Sequence[float]] | None,
        decisions: Sequence[Value | None] | None,
        model_version: int | None,
        model_label: str | None,
        status: int,
        latency_ms: float,
        received: datetime.datetime | None = None,
        caller: str | None = None,
        values: Sequence[float] | None = None,
    ) -> bool:
        """Offer a request whose rows met the contract, for logging if it is in the sample. It never waits for the disk.

        The rows must not be changed afterwards.

        Args:
            request_id: as in the answer. Clients may choose it, so it does not decide on the sample.
            rows: the request's rows as sent.
            probabilities: one per row, or a list per row for a multiclass task; None when no model answered, and for a
                regression.
            decisions: one per row, or a class per row for a multiclass task; None when no model answered.
            model_version: the version that answered, or was asked last and failed; None when none was chosen.
            model_label: the label that led to it; None without labels.
            status: the HTTP status of the answer.
            latency_ms: milliseconds from request to answer.
            received: the request's arrival, with time zone; None for now.
            caller: of the request, as returned by caller_digest; None if the gateway needs no key.
            values: for a regression, one per row; None when no model answered, and for the other kinds.

        Returns:
            Whether it was queued.
        """
        if self._draw.random() >= self._settings.sample_rate:
            return False
        request = LoggedRequest(
            request_id=request_id,
            time=received or datetime.datetime.now(datetime.UTC),
            rows=rows,
            probabilities=[None] * len(rows) if probabilities is None else probabilities,
            decisions=[None] * len(rows) if decisions is None else decisions,
            model_version=model_version,
            model_label=model_label,
            status=status,
            latency_ms=latency_ms,
            caller=caller,
            values=values,
        )
        with self._changed:
            if self._closed or self._queued_rows + len(rows) > self._settings.queue_rows:
                self._dropped.inc(len(rows))
                return False
            if not self._queue:
                self._oldest = time.monotonic()
                self._changed.notify()
            self._queue.append(request)
            if self._pending is not None:
                self._pending.add(request)
            self._queued_rows += len(rows)
            if self._queued_rows >= self._group_rows:
                self._changed.notify()
        return True

    def close(self, timeout_s: float = 10.0) -> None:
        """Write the queued requests, and stop. Later offers are dropped.

        Args:
            timeout_s: seconds to wait for the disk; beyond them the rest is lost, and the log says so.
        """
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            _log.error("request_log_not_closed", folder=str(self._settings.folder), waited_s=timeout_s)

    def _run(self) -> None:
        """Run the writer thread. A fault in some rows does not affect the next ones."""
        ended = False
        while not ended:
            requests, oldest, ended = self._take()
            self._unsettled += sum(len(request.rows) for request in requests)
            self._unfinished += [request.request_id for request in requests] if self._pending is not None else []
            try:
                self._append(requests, oldest)
                if self._file and (ended or self._is_due(self._file)):
                    self._finish(self._file)
                    self._file = None
                    self._forget_pending()
            except Exception as error:
                # It is unknown which rows the open file holds: drop it, and start another with the next rows.
                self._file = None
                # Omit the error's message, which can quote a value that must not be logged.
                _log.error(
                    "request_log_failed",
                    rows=self._unsettled,
                    error=type(error).__name__,
                    traceback="".join(traceback.format_tb(error.__traceback__)),
                )
                self._settle(self._failed, self._unsettled)
                self._forget_pending()

    def _forget_pending(self) -> None:
        """Forget the requests that a finished file holds, or that are lost."""
        if self._pending is not None:
            self._pending.remove(self._unfinished)
        self._unfinished = []

    def _settle(self, counter: Counter, rows: int) -> None:
        counter.inc(rows)
        self._unsettled -= rows

    def _take(self) -> tuple[list[LoggedRequest], float, bool]:
        """Wait until a group of rows is queued, a file is due, or the log is closed; take about a group at most.

        Returns:
            The requests, the arrival of the oldest (seconds of time.monotonic), and whether they are the last ones.
        """
        with self._changed:
            while not self._closed and self._queued_rows < self._group_rows:
                since = self._file.opened if self._file else self._oldest if self._queue else None
                left = None if since is None else since + self._settings.max_file_seconds - time.monotonic()
                if left is not None and left <= 0:
                    break
                self._changed.wait(left)
            requests, rows, oldest = [], 0, self._oldest
            while self._queue and rows < self._group_rows:
                requests.append(self._queue.popleft())
                rows += len(requests[-1].rows)
            self._queued_rows -= rows
            return requests, oldest, self._closed and not self._queue

    def _append(self, requests: list[LoggedRequest], oldest: float) -> None:
        tables, faulty, fault = [], [], None
        try:
            tables = [self._encoder.table(requests)]
        except RowError:  # do not lose the others with the faulty request
            for request in requests:
                try:
                    tables.append(self._encoder.table([request]))
                except RowError as error:
                    faulty.append(request)
                    fault = error
        if faulty:
            rows = sum(len(request.rows) for request in faulty)
            self._settle(self._failed, rows)
            _log.error("request_log_rows_failed", rows=rows, request_id=faulty[-1].request_id, error=str(fault))
        for table in tables:
            if table.num_rows:
                self._file = self._file or GrowingFile(self._encoder.schema, oldest)
                self._file.append(table, requests[0].time)

    def _is_due(self, file: GrowingFile) -> bool:
        settings = self._settings
        return (
            file.rows >= settings.max_file_rows
            or file.size >= settings.max_file_bytes
            or time.monotonic() - file.opened >= settings.max_file_seconds
        )

    def _finish(self, file: GrowingFile) -> None:
        try:
            self._folder.write(*file.finish())
            self._settle(self._written, file.rows)
        except OSError as error:
            self._settle(self._failed, file.rows)
            _log.exception(
                "request_log_file_failed", folder=str(self._settings.folder), rows=file.rows, error=str(error)
            )
        try:
            for path in self._folder.clean():
                _log.info("request_log_file_removed", path=str(path))
        except OSError as error:
            _log.exception("request_log_clean_failed", folder=str(self._settings.folder), error=str(error))
