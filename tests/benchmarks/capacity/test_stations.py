"""The simulation against queueing theory, seeds fixed."""

import math
import random

import numpy as np
import pytest

from benchmarks.capacity.events import Clock
from benchmarks.capacity.stations import Gathering, Workers


def erlang_c(servers: int, load: float) -> float:
    """The probability that an arrival waits in M/M/c (Erlang, 1917); load: arrival rate over service rate."""
    top = load**servers / math.factorial(servers) * servers / (servers - load)
    return top / (sum(load**k / math.factorial(k) for k in range(servers)) + top)


def waits(servers: int, load: float, arrivals: int, seed: int) -> np.ndarray:
    """Seconds that each arrival waits before its service of one second on average."""
    clock, draw = Clock(), random.Random(seed)
    workers, found = Workers(clock, servers), []

    def arrive() -> None:
        at, seconds = clock.now, draw.expovariate(1.0)
        workers.work(seconds, lambda: found.append(clock.now - at - seconds))
        clock.after(draw.expovariate(load), arrive)

    arrive()
    clock.run(lambda: len(found) >= arrivals)
    return np.array(found[arrivals // 10 :])


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (2, 1.5), (4, 3.0)])
def test_waits_are_those_of_erlang_c(servers: int, load: float) -> None:
    found = waits(servers, load, 300_000, seed=20261130)
    must_wait = erlang_c(servers, load)
    assert np.mean(found > 1e-9) == pytest.approx(must_wait, rel=0.05)
    assert np.mean(found) == pytest.approx(must_wait / (servers - load), rel=0.08)


def test_work_of_one_worker_is_done_in_turn() -> None:
    clock = Clock()
    worker, done = Workers(clock, 1), []
    for name, seconds in (("first", 3.0), ("second", 1.0)):
        worker.work(seconds, lambda name=name: done.append((name, clock.now)))  # type: ignore[misc]
    clock.run(lambda: False)
    assert done == [("first", 3.0), ("second", 4.0)]


def test_threads_share_the_cores_under_them() -> None:
    clock = Clock()
    core = Workers(clock, 1)
    ends: list[float] = []
    for threads in (Workers(clock, 1, core), Workers(clock, 2, core)):
        for _ in range(2):
            threads.work(1.0, lambda: ends.append(clock.now))
    clock.run(lambda: False)
    assert ends == [1.0, 2.0, 3.0, 4.0]  # four seconds of work on one core


def batches(arrivals: list[float], seconds: float, **gathering: float) -> list[tuple[float, int]]:
    """When batches of single items began, and with how many items."""
    clock, found = Clock(), []

    def begin(items: int, done: object) -> None:
        found.append((clock.now, items))
        clock.after(seconds, done)  # type: ignore[arg-type]

    gathered = Gathering(clock, begin=begin, **({"ways": 1, "most": 8} | gathering))  # type: ignore[arg-type]
    for at in arrivals:
        clock.after(at, lambda: gathered.add(1, lambda: None))
    clock.run(lambda: False)
    return found


def test_what_comes_while_a_batch_is_under_way_is_the_next_batch() -> None:
    assert batches([0.0, 1.0, 2.0, 3.0], seconds=2.5) == [(0.0, 1), (2.5, 2), (5.0, 1)]


def test_a_batch_waits_for_more_and_no_longer_than_it_should() -> None:
    assert batches([0.0, 0.5, 5.0], seconds=1.0, wait=1.0) == [(1.0, 2), (6.0, 1)]


def test_a_late_batch_begins_though_no_way_is_free() -> None:
    assert batches([0.0, 1.0], seconds=100.0, late=2.0) == [(0.0, 1), (3.0, 1)]


def test_a_full_batch_takes_no_more() -> None:
    assert batches([0.0, 1.0, 1.1, 1.2], seconds=10.0, most=2) == [(0.0, 1), (1.2, 2), (11.2, 1)]
    assert batches([0.0, 1.0, 1.1, 1.2], seconds=10.0, most=2, eager=True) == [(0.0, 1), (1.2, 2), (10.0, 1)]
