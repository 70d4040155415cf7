"""Store outcomes: check them, write them to disk, and only then confirm them. Nothing is overwritten.

A thread takes all waiting batches, checks them in their order, and writes the accepted outcomes as one file. It merges
this process's small files, and removes them after the large one is written: an outcome may be in two files for a
moment, but never in none.
"""

import collections
import concurrent.futures
import datetime
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import structlog

from serving.contract import Feature
from serving.feedback import columns
from serving.feedback.judge import FeedbackJudge
from serving.feedback.settings import FeedbackSettings
from serving.feedback.verdicts import Caller, Outcome, Verdict
from serving.request_log.files import GrowingFile, LogFolder
from serving.request_log.pending import PendingRequests
from serving.request_log.settings import RequestLogSettings

_LONGEST_MERGE = datetime.timedelta(hours=12)  # of feedback in one file: the reader finds it by the first row's day

_log = structlog.get_logger(__name__)

_Batch = tuple[Sequence[Outcome], Caller]


class FeedbackBusyError(RuntimeError):
    """The writer's queue is full."""


class FeedbackStore:
    """Store outcomes. Thread-safe.

    Args:
        settings: whose outcomes are accepted, and where they are stored.
        label: the contract's label.
        log: the request log in which ids are looked up.
        pending: requests of this process that no file of the log holds yet; None if the process logs none.
        clock: returns the current time, with time zone.

    Raises:
        ValueError: The log drops a column that feedback needs.
    """

    def __init__(
        self,
        settings: FeedbackSettings,
        label: Feature,
        log: RequestLogSettings,
        *,
        pending: PendingRequests | None = None,
        clock: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        self._settings, self._clock = settings, clock
        self._judge = FeedbackJudge(settings, label, log, pending)
        self._schema = columns.arrow_schema(label)  # imports pyarrow now, before feedback comes
        self._folder = LogFolder(settings)
        self._small: list[tuple[Path, datetime.datetime]] = []  # files of this process, and the time of each
        self._queue: collections.deque[tuple[_Batch, concurrent.futures.Future[Verdict]]] = collections.deque()
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="feedback", daemon=True)
        self._thread.start()

    def submit(self, outcomes: Sequence[Outcome], caller: Caller) -> concurrent.futures.Future[Verdict]:
        """Queue outcomes that were sent together.

        The future is done once the accepted outcomes are on disk. It fails with IdFileError if the log or the feedback
        cannot be read, and with OSError if feedback cannot be written; then nothing is stored.

        Args:
            outcomes: sent together.
            caller: who sent them.

        Returns:
            A future of the verdict.

        Raises:
            FeedbackBusyError: Too many batches wait, or the store is closed.
        """
        future: concurrent.futures.Future[Verdict] = concurrent.futures.Future()
        with self._changed:
            if self._closed or len(self._queue) >= self._settings.queue_batches:
                raise FeedbackBusyError(
                    f"feedback: expected at most {self._settings.queue_batches} batches that wait for the disk, "
                    "received more; send the outcomes again."
                )
            self._queue.append(((outcomes, caller), future))
            self._changed.notify()
        return future

    def store(self, outcomes: Sequence[Outcome], caller: Caller) -> Verdict:
        """Store outcomes as `submit` does, and wait for the verdict."""
        return self.submit(outcomes, caller).result()

    def close(self) -> None:
        """Store the queued outcomes, and stop. Later ones are refused."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._judge.warm_up(self._clock())
        except Exception as error:  # every outcome gets this error until the cause is gone; the thread must go on
            _log.exception("feedback_failed", error=str(error))
        while taken := self._take():
            # Skip batches whose callers gave up: they receive no verdict, so nothing of theirs is stored.
            group = [(batch, future) for batch, future in taken if future.set_running_or_notify_cancel()]
            try:
                verdicts = self._store([batch for batch, _ in group])
            except Exception as error:
                for _, future in group:
                    future.set_exception(error)
                continue
            for (_, future), verdict in zip(group, verdicts, strict=True):
                future.set_result(verdict)
        self._tidy(at_least=2)

    def _take(self) -> list[tuple[_Batch, concurrent.futures.Future[Verdict]]]:
        """Wait for batches and take all of them; none once the store is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed)
            group = list(self._queue)
            self._queue.clear()
            return group

    def _store(self, batches: Sequence[_Batch]) -> list[Verdict]:
        now = self._clock()
        if self._small and now - self._small[0][1] > _LONGEST_MERGE:
            self._tidy(at_least=2)
        judged = self._judge.judge(batches, now)
        if rows := [row for accepted, _ in judged for row in accepted]:
            import pyarrow as pa

            table = pa.Table.from_arrays(
                [pa.array([row[field.name] for row in rows], field.type) for field in self._schema], schema=self._schema
            )
            self._small.append((self._write(table, now), now))
            if len(self._small) >= self._settings.merge_files:
                self._tidy(at_least=2)
        return [Verdict(stored=len(accepted), refused=refused) for accepted, refused in judged]

    def _write(self, table: Any, first: datetime.datetime) -> Path:
        file = GrowingFile(self._schema, time.monotonic())
        file.append(table, first)
        return self._folder.write(*file.finish())

    def _tidy(self, at_least: int) -> None:
        """Merge this process's small files, and remove files that are too old. On a fault, leave the files."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        small, self._small = self._small, []
        try:
            if len(small) >= at_least:
                self._write(pa.concat_tables([_read(pq, path) for path, _ in small]), small[0][1])
                for path, _ in small:
                    path.unlink(missing_ok=True)
            for path in self._folder.clean():
                _log.info("feedback_file_removed", path=str(path))
        except (OSError, pa.ArrowException) as error:
            _log.exception("feedback_tidy_failed", folder=str(self._settings.folder), error=str(error))


def _read(pq: Any, path: Path) -> Any:
    with pq.ParquetFile(path) as file:
        return file.read()
