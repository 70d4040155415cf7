"""Simulate one node: a gateway process and a model server process on the same cores, under callers or a stream."""

import dataclasses
import random

import numpy as np

from benchmarks.capacity.events import Action, Clock
from benchmarks.capacity.measured import ServiceTimes
from benchmarks.capacity.stations import Gathering, Workers

_WARM_UP = 0.1  # of the requests, before anything counts


@dataclasses.dataclass(frozen=True, kw_only=True)
class Simulated:
    """The figures of one simulation of a node."""

    per_second: float  # requests answered
    p50_seconds: float
    p99_seconds: float


class Node:
    """The path of a request through gateway, call, server, batch and model."""

    def __init__(self, clock: Clock, times: ServiceTimes):
        self._times = times
        cores = Workers(clock, times.cores)
        self._generator = Workers(clock, 1, cores)
        self._gateway = Workers(clock, 1, cores)  # its event loop
        self._server = Workers(clock, 1, cores)  # its event loop
        self._model = Workers(clock, times.batch_threads, cores)
        self._calls = Gathering(
            clock, ways=2, most=times.gather_rows, begin=self._call, late=times.gather_seconds, eager=True
        )
        self._batches = Gathering(
            clock, ways=times.batch_threads, most=times.batch_rows, begin=self._run, wait=times.batch_seconds
        )

    def request(self, answered: Action) -> None:
        """Handle one request of one row; half of the gateway's work comes before the call, half after it."""
        half = self._times.gateway / 2

        def end() -> None:
            if self._times.generator:
                self._generator.work(self._times.generator, answered)
            else:
                answered()

        self._gateway.work(half, lambda: self._calls.add(1, lambda: self._gateway.work(half, end)))

    def _call(self, rows: int, done: Action) -> None:
        half = self._times.server / 2
        self._server.work(half, lambda: self._batches.add(rows, lambda: self._server.work(half, done)))

    def _run(self, rows: int, done: Action) -> None:
        self._model.work(self._times.model(rows), done)


def stream(times: ServiceTimes, per_second: float, requests: int, seed: int) -> Simulated:
    """Simulate a node under requests at random times, independent of earlier ones (a Poisson process)."""
    clock, draw = Clock(), random.Random(seed)
    node, left = Node(clock, times), requests
    took: list[float] = []

    def arrive() -> None:
        nonlocal left
        at = clock.now
        node.request(lambda: note(at))
        left -= 1
        if left:
            clock.after(draw.expovariate(per_second), arrive)

    def note(at: float) -> None:
        took.append(clock.now - at)

    clock.after(draw.expovariate(per_second), arrive)
    clock.run(lambda: len(took) >= requests)
    return _seen(took, clock.now)


def callers(times: ServiceTimes, count: int, requests: int) -> Simulated:
    """Simulate a node under callers that each send the next request after the last answer, as a load test does."""
    clock = Clock()
    node = Node(clock, times)
    took: list[float] = []

    def ask() -> None:
        at = clock.now

        def answered() -> None:
            took.append(clock.now - at)
            ask()

        node.request(answered)

    for number in range(count):
        clock.after(number * times.gateway, ask)
    clock.run(lambda: len(took) >= requests)
    return _seen(took, clock.now)


def _seen(took: list[float], seconds: float) -> Simulated:
    counted = took[int(len(took) * _WARM_UP) :]
    p50, p99 = np.percentile(counted, (50, 99))
    return Simulated(per_second=len(took) / seconds, p50_seconds=float(p50), p99_seconds=float(p99))
