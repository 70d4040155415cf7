"""The stations of a request: threads that work one at a time, batches of rows, and the cores below both."""

import collections
import functools
import math
from collections.abc import Callable

from benchmarks.capacity.events import Action, Clock

Seconds = Callable[[], float]


class Workers:
    """Equal workers with one queue: threads of a process, or the cores of a machine.

    Args:
        clock: of the simulation.
        count: workers.
        cores: each piece of work occupies one of these; None: the workers are cores themselves.
    """

    def __init__(self, clock: Clock, count: int, cores: "Workers | None" = None):
        self._clock = clock
        self._idle = count
        self._cores = cores
        self._waiting: collections.deque[tuple[float, Action]] = collections.deque()

    def work(self, seconds: float, done: Action) -> None:
        """Run work when it is its turn, first come, first served."""
        self._waiting.append((seconds, done))
        self._start()

    def _start(self) -> None:
        while self._idle and self._waiting:
            self._idle -= 1
            seconds, done = self._waiting.popleft()
            if self._cores is None:
                self._clock.after(seconds, functools.partial(self._end, done))
            else:
                self._cores.work(seconds, functools.partial(self._end, done))

    def _end(self, done: Action) -> None:
        self._idle += 1
        done()
        self._start()


class Gathering:
    """Collect items that arrive while earlier ones are being processed into one batch.

    This is the rule of `serving.gateway.gathered_calls` (send at once if a slot is free, otherwise when one becomes
    free or the batch is late) and of `serving.server.batching` (`wait` for more rows first, then for a free slot).

    Args:
        clock: of the simulation.
        ways: the number of slots, batches that may run at once.
        most: items in a batch.
        begin: starts a batch of so many items; calls its second argument when the batch is done.
        wait: seconds that a batch stays open although a slot is free.
        late: seconds after which a batch starts although no slot is free.
        eager: whether a waiting batch starts when any batch ends, even if late or full batches exceed the slots.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        ways: int,
        most: int,
        begin: Callable[[int, Action], None],
        wait: float = 0.0,
        late: float = math.inf,
        eager: bool = False,
    ):
        self._clock, self._free, self._most, self._begin = clock, ways, most, begin
        self._wait, self._late, self._eager = wait, late, eager
        self._open: list[tuple[int, Action]] = []
        self._items = 0
        self._since = 0.0

    def add(self, items: int, done: Action) -> None:
        """Add items that came together; `done` is called when their batch is done."""
        if self._open and self._items + items > self._most:
            self._send()  # as the real ones do, although no slot may be free
        if not self._open:
            self._since = self._clock.now
            self._clock.after(self._wait, self._send_if_free)
            if math.isfinite(self._late):
                self._clock.after(self._late, self._send_late)
        self._open.append((items, done))
        self._items += items

    def _send_if_free(self) -> None:
        if self._open and self._free > 0 and self._clock.now - self._since >= self._wait - 1e-12:
            self._send()

    def _send_late(self) -> None:
        if self._open and self._clock.now - self._since >= self._late - 1e-12:
            self._send()

    def _send(self) -> None:
        batch, items = self._open, self._items
        self._open, self._items = [], 0
        self._free -= 1

        def end() -> None:
            self._free += 1
            for _, done in batch:
                done()
            if self._eager and self._open:
                self._send()
            else:
                self._send_if_free()

        self._begin(items, end)
