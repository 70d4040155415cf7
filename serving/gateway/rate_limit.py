"""Limit a client's requests per second, counted in this process."""

import collections
import time
from collections.abc import Callable
from typing import Protocol

from serving.gateway.problems import ProblemError

MOST_CLIENTS = 10_000  # clients counted at a time: made-up addresses must not grow the memory


class RequestCounter(Protocol):
    """Counts the requests of each client in the last second."""

    async def start(self) -> None:
        """Start counting."""

    async def count(self, client: str) -> None:
        """Count one request.

        Args:
            client: the key's name, or the address.

        Raises:
            ProblemError: 429, the client is over its limit.
        """

    async def close(self) -> None:
        """Stop counting."""


class RateLimit:
    """Count the requests of each client in the last second, in this process. Use it from one thread.

    A client is forgotten a second after its last admitted request. If more than `MOST_CLIENTS` clients come in one
    second, those admitted longest ago are forgotten earlier, and may exceed their limit.

    Args:
        per_second: the limit of each client; 0 means no limit.
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic):
        self.per_second = per_second
        self.clock = clock
        # Times of the last second's requests, oldest first; the client that was admitted last is at the end.
        self._clients: collections.OrderedDict[str, collections.deque[float]] = collections.OrderedDict()

    def __len__(self) -> int:
        """Return the number of counted clients."""
        return len(self._clients)

    async def start(self) -> None:
        """Do nothing: counting needs no start."""

    async def close(self) -> None:
        """Do nothing."""

    async def count(self, client: str) -> None:
        """Count one request, without waiting.

        Args:
            client: the key's name, or the address.

        Raises:
            ProblemError: 429, the client is over its limit.
        """
        self.count_now(client)

    def count_now(self, client: str) -> None:
        """Count one request.

        Args:
            client: the key's name, or the address.

        Raises:
            ProblemError: 429, the client is over its limit.
        """
        if not self.per_second:
            return
        now = self.clock()
        self.require_share(client, now)
        self.record(client, now)

    def require_share(self, client: str, now: float) -> None:
        """Check that the client may send one more request; count nothing.

        Args:
            client: the key's name, or the address.
            now: a time of `clock`.

        Raises:
            ProblemError: 429, the client is over its limit.
        """
        times = self._clients.get(client)
        if times is not None and len(times) == self.per_second and times[0] > now - 1:
            raise self.refusal()

    def record(self, client: str, when: float) -> None:
        """Count an admitted request, which came at a time of `clock`."""
        self._forget(when - 1)
        times = self._clients.setdefault(client, collections.deque(maxlen=self.per_second))
        times.append(when)  # the deque drops the oldest
        self._clients.move_to_end(client)
        if len(self._clients) > MOST_CLIENTS:
            self._clients.popitem(last=False)

    def refusal(self) -> ProblemError:
        """Return the answer to a client that is over its limit."""
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
