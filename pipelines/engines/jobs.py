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


class JobService(Protocol):
    """Where jobs are: a cluster, or what submits to it."""

    def running(self, name: str) -> list[str]:
        """Returns the ids of the jobs of this name that have not ended."""

    def cancel(self, job: str) -> None:
        """Cancels a job, by its id."""


@contextlib.contextmanager
def look_after(services: Sequence[JobService], name: str, time_limit: float) -> Iterator[None]:
    """Cancels jobs of this name before and after the block, and inside it each that runs longer than `time_limit`.

    Args:
        services: each is asked; what submits jobs before the cluster, so that nothing is submitted in between.
        name: of the jobs.
        time_limit: seconds.

    Raises:
        EngineError: A service does not answer.
    """
    for service in services:
        for job in service.running(name):
            logging.warning("Cancelling job %s, which an earlier run left.", job)
            service.cancel(job)
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(services, name, time_limit, over), name="jobs", daemon=True)
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


def _watch(services: Sequence[JobService], name: str, time_limit: float, over: threading.Event) -> None:
    since: dict[str, float] = {}
    while not over.wait(_POLL_SECONDS):
        try:
            running = [(service, job) for service in services for job in service.running(name)]
            since = {job: since.get(job, time.monotonic()) for _, job in running}
            for service, job in running:
                if time.monotonic() - since[job] > time_limit:
                    logging.error("Cancelling job %s: it took longer than its time limit of %.0f s.", job, time_limit)
                    service.cancel(job)
        except EngineError as error:  # The node that waits for the job fails by itself.
            logging.warning("%s", error)
