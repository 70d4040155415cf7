"""Looks after the jobs of a run on a cluster: none outlives its run.

A job goes on when the process that submitted it is gone, and a job whose workers cannot start waits for ever.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Protocol

from absl import logging

from pipelines.engines.errors import EngineError

_POLL_SECONDS = 5.0
_SILENT_SECONDS = 60.0  # a service that does not answer for so long is gone, and what runs on it as well


class JobService(Protocol):
    """Where jobs are: a cluster, or what submits to it."""

    def running(self, name: str) -> list[str]:
        """Return the ids of the jobs of this name that have not ended."""

    def cancel(self, job: str) -> None:
        """Cancel a job, by its id."""


@contextlib.contextmanager
def look_after(services: Sequence[JobService], name: str, time_limit: float) -> Iterator[None]:
    """Cancel jobs of this name before and after the block, and inside it each that runs longer than `time_limit`.

    Where a service is gone, the others cancel its jobs: what waits for one would wait for hours.

    Args:
        services: each is asked; what submits jobs before the cluster, so that nothing is submitted in between.
        name: of the jobs.
        time_limit: seconds.

    Raises:
        EngineError: A service does not answer, or did not any more inside the block.
    """
    for service in services:
        for job in service.running(name):
            logging.warning("Cancelling job %s, which an earlier run left.", job)
            service.cancel(job)
    over = threading.Event()
    gone: list[EngineError] = []
    watch = threading.Thread(target=_watch, args=(services, name, time_limit, over, gone), name="jobs", daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()
        for service in services:
            with contextlib.suppress(EngineError):  # The block's own error says what happened.
                for job in service.running(name):
                    service.cancel(job)

    if gone:
        raise gone[0]


def _watch(
    services: Sequence[JobService], name: str, time_limit: float, over: threading.Event, gone: list[EngineError]
) -> None:
    since: dict[str, float] = {}
    answered = time.monotonic()
    while not over.wait(_POLL_SECONDS):
        running, silence = _find_running(services, name)
        since = {job: since.get(job, time.monotonic()) for _, job in running}
        for service, job in running:
            if time.monotonic() - since[job] > time_limit:
                logging.error("Cancelling job %s: it took longer than its time limit of %.0f s.", job, time_limit)
                _cancel(service, job)
        if silence is None:
            answered = time.monotonic()
        elif time.monotonic() - answered > _SILENT_SECONDS:
            gone[:] = [silence]
            for service, job in running:
                logging.error("Cancelling job %s: %s", job, silence)
                _cancel(service, job)


def _find_running(services: Sequence[JobService], name: str) -> tuple[list[tuple[JobService, str]], EngineError | None]:
    """Return the jobs of the services that answer, and what one said that does not."""
    running, silence = [], None
    for service in services:
        try:
            running += [(service, job) for job in service.running(name)]
        except EngineError as error:
            logging.warning("%s", error)
            silence = error
    return running, silence


def _cancel(service: JobService, job: str) -> None:
    with contextlib.suppress(EngineError):  # It answered a moment ago; the next look says whether it does.
        service.cancel(job)
