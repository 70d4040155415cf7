"""Stores outcomes: judged, written to disk, and only then confirmed. Nothing is overwritten.

A thread takes the batches that have come meanwhile together, judges them in their order, and writes what is accepted
as one file. Small files of this process are put together, the large one first: an outcome is for a moment in two files,
never in none.
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

_LONGEST_MERGE = datetime.timedelta(hours=12)  # of feedback in one file: its reader finds it by the first row's day

_log = structlog.get_logger(__name__)

_Batch = tuple[Sequence[Outcome], Caller]


class FeedbackBusyError(RuntimeError):
    """More batches wait for the writer than its queue takes."""


class FeedbackStore:
    """Stores outcomes; safe to use from any thread.

    Args:
        settings: whose outcomes are taken, and where they are kept.
        label: what an outcome has to be.
        log: the request log that the ids are looked up in.
        pending: requests of this process that no file of the log holds yet; None: the process logs none.
        clock: the time now, with time zone.

    Raises:
        ValueError: The log drops what feedback needs.
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
        self._schema = columns.arrow_schema(label)  # Imports pyarrow now, before feedback comes.
        self._folder = LogFolder(settings)
        self._small: list[tuple[Path, datetime.datetime]] = []  # files of this process, and the time of each
        self._queue: collections.deque[tuple[_Batch, concurrent.futures.Future[Verdict]]] = collections.deque()
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="feedback", daemon=True)
        self._thread.start()

    def submit(self, outcomes: Sequence[Outcome], caller: Caller) -> concurrent.futures.Future[Verdict]:
        """Take outcomes that were sent together; the future tells once those that are accepted are on disk.

        Its exception is IdFileError where the log or the feedback cannot be read, and OSError where feedback cannot be
        written; nothing is stored then.

        Raises:
            FeedbackBusyError: Too many batches wait, or the store is closed.
        """
        future: concurrent.futures.Future[Verdict] = concurrent.futures.Future()
        with self._changed:
            if self._closed or len(self._queue) >= self._settings.queue_batches:
                raise FeedbackBusyError(
                    f"feedback: expected at most {self._settings.queue_batches} batches that wait for the disk, "
                    "received more; send it again."
                )
            self._queue.append(((outcomes, caller), future))
            self._changed.notify()
        return future

    def store(self, outcomes: Sequence[Outcome], caller: Caller) -> Verdict:
        """As `submit`, and waits for the verdict."""
        return self.submit(outcomes, caller).result()

    def close(self) -> None:
        """Store what was taken, and end. Whatever is sent later is refused."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._judge.warm_up(self._clock())
        except Exception as error:  # Every outcome will be told so, until it is mended; the thread has to live.
            _log.exception("feedback_failed", error=str(error))
        while taken := self._take():
            # Who went away before is not waited for, and knows of no verdict: nothing of theirs is stored.
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
        """Wait for batches and take all there are; none once the store is closed."""
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
        """Put this process's small files together, and remove files that are too old. What fails stays as it is."""
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
