"""Discrete-event simulation: a clock and planned actions."""

import heapq
import itertools
from collections.abc import Callable

Action = Callable[[], None]


class Clock:
    """Run actions in order of time; actions of the same time run in the order in which they were planned.

    Attributes:
        now: seconds since the beginning.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._planned: list[tuple[float, int, Action]] = []
        self._numbers = itertools.count()

    def after(self, seconds: float, action: Action) -> None:
        """Plan an action."""
        heapq.heappush(self._planned, (self.now + seconds, next(self._numbers), action))

    def run(self, enough: Callable[[], bool]) -> None:
        """Advance time until `enough` returns true, or no action is planned."""
        while self._planned and not enough():
            self.now, _, action = heapq.heappop(self._planned)
            action()
