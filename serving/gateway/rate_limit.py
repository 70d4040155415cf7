"""Requests per second of one client."""

import collections
import time
from collections.abc import Callable

from serving.gateway.problems import ProblemError

MOST_CLIENTS = 10_000  # that are counted apart; strangers make up addresses, but no memory grows by it


class RateLimit:
    """Counts the requests of each client in the last second, in this process; for one thread.

    A client is forgotten a second after its last request that was answered. When more clients than `MOST_CLIENTS` come
    in one second, those that were answered longest ago are forgotten sooner, and get more than their share.

    Args:
        per_second: how many are answered; 0: all.
        clock: seconds that never go back.
    """

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic):
        self._per_second = per_second
        self._clock = clock
        # When the requests of the last second came, the oldest first; the client that was answered last stands last.
        self._clients: collections.OrderedDict[str, collections.deque[float]] = collections.OrderedDict()

    def __len__(self) -> int:
        """How many clients are remembered."""
        return len(self._clients)

    def count(self, client: str) -> None:
        """Counts one request.

        Raises:
            ProblemError: 429, the client has had its share.
        """
        if not self._per_second:
            return
        now = self._clock()
        self._forget(now - 1)
        times = self._clients.setdefault(client, collections.deque(maxlen=self._per_second))
        if len(times) == self._per_second and times[0] > now - 1:
            raise ProblemError(
                429,
                "too_many_requests",
                f"Too many requests: expected at most {self._per_second} a second, received more; "
                "try again in 1 s, or send several rows in one request.",
                headers={"Retry-After": "1"},
            )
        times.append(now)  # The deque lets go of the oldest.
        self._clients.move_to_end(client)
        if len(self._clients) > MOST_CLIENTS:
            self._clients.popitem(last=False)

    def _forget(self, before: float) -> None:
        while self._clients and next(iter(self._clients.values()))[-1] <= before:
            self._clients.popitem(last=False)
