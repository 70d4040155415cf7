"""Cancel the jobs of a run on a cluster, so that none runs longer than the run.

A job continues when the process that submitted it has ended, and a job whose workers cannot start waits for ever.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Protocol

from absl import logging

from pipelines.engines.errors import EngineError

_POLL_SECONDS = 5.0
_SILENT_SECONDS = 60.0  # a service that does not answer for this time counts as stopped, with its jobs


class JobService(Protocol):
    """A service that has jobs: a cluster, or a server that submits to it."""

    def running(self, name: str) -> list[str]:
        """Return the ids of the jobs of this name that have not ended."""

    def cancel(self, job: str) -> None:
        """Cancel a job, by its id."""


@contextlib.contextmanager
def look_after(services: Sequence[JobService], name: str, time_limit: float) -> Iterator[None]:
    """Cancel jobs of this name before and after the block, and inside it each that runs longer than `time_limit`.

    If a service stops answering, the jobs of the others are cancelled, since they would wait for it for hours.

    Args:
        services: the services. The one that submits jobs comes before the cluster, so that it submits none in between.
        name: of the jobs.
        time_limit: seconds.

    Yields:
        Nothing.

    Raises:
        EngineError: A service does not answer, or stopped answering inside the block.
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
            with contextlib.suppress(EngineError):  # It must not replace the error of the block.
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
    """Return the jobs of the services that answer, and the error of one that does not."""
    running, silence = [], None
    for service in services:
        try:
            running += [(service, job) for job in service.running(name)]
        except EngineError as error:
            logging.warning("%s", error)
            silence = error
    return running, silence


def _cancel(service: JobService, job: str) -> None:
    with contextlib.suppress(EngineError):  # The next poll finds out whether the service still answers.
        service.cancel(job)
