"""Requests per second of one client, counted in this process."""

import collections
import time
from collections.abc import Callable
from typing import Protocol

from serving.gateway.problems import ProblemError

MOST_CLIENTS = 10_000  # that are counted apart; strangers make up addresses, but no memory grows by it


class RequestCounter(Protocol):
    """Counts the requests of each client in the last second, wherever it does so."""

    async def start(self) -> None:
        """Make ready what counts."""

    async def count(self, client: str) -> None:
        """Count one request.

        Raises:
            ProblemError: 429, the client has had its share.
        """

    async def close(self) -> None:
        """Let go of what counts."""


class RateLimit:
    """Counts the requests of each client in the last second, in this process; for one thread.

    A client is forgotten a second after its last request that was answered. When more clients than `MOST_CLIENTS` come
    in one second, those that were answered longest ago are forgotten sooner, and get more than their share.

    Args:
        per_second: how many are answered; 0: all.
        clock: seconds that never go back.
    """

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic):
        self.per_second = per_second
        self.clock = clock
        # When the requests of the last second came, the oldest first; the client that was answered last stands last.
        self._clients: collections.OrderedDict[str, collections.deque[float]] = collections.OrderedDict()

    def __len__(self) -> int:
        """How many clients are remembered."""
        return len(self._clients)

    async def start(self) -> None:
        """Do nothing: what counts is here."""

    async def close(self) -> None:
        """Do nothing."""

    async def count(self, client: str) -> None:
        """Count one request; wait for nothing.

        Raises:
            ProblemError: 429, the client has had its share.
        """
        self.count_now(client)

    def count_now(self, client: str) -> None:
        """Count one request.

        Raises:
            ProblemError: 429, the client has had its share.
        """
        if not self.per_second:
            return
        now = self.clock()
        self.require_share(client, now)
        self.record(client, now)

    def require_share(self, client: str, now: float) -> None:
        """Hold that the client may send one more request at a time; counts nothing.

        Raises:
            ProblemError: 429, the client has had its share.
        """
        times = self._clients.get(client)
        if times is not None and len(times) == self.per_second and times[0] > now - 1:
            raise self.refusal()

    def record(self, client: str, when: float) -> None:
        """Count a request that is answered, and came at a time of `clock`."""
        self._forget(when - 1)
        times = self._clients.setdefault(client, collections.deque(maxlen=self.per_second))
        times.append(when)  # The deque lets go of the oldest.
        self._clients.move_to_end(client)
        if len(self._clients) > MOST_CLIENTS:
            self._clients.popitem(last=False)

    def refusal(self) -> ProblemError:
        """Return the answer to a client that has had its share."""
        return ProblemError(
            429,
            "too_many_requests",
            f"Too many requests: expected at most {self.per_second} a second, received more; "
            "try again in 1 s, or send several rows in one request.",
            headers={"Retry-After": "1"},
        )

    def _forget(self, before: float) -> None:
        while self._clients and next(iter(self._clients.values()))[-1] <= before:
            self._clients.popitem(last=False)
