"""Requests per second of one client."""

import math
import time

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from serving.gateway.problems import ProblemError


class RateLimit:
    """Counts the requests of each client in the last second, in this process.

    Args:
        per_second: how many are answered; 0: all.
    """

    def __init__(self, per_second: int):
        self._item = RateLimitItemPerSecond(per_second) if per_second else None
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def count(self, client: str) -> None:
        """Counts one request.

        Raises:
            ProblemError: 429, the client has had its share.
        """
        if self._item is None or self._limiter.hit(self._item, client):
            return
        wait = max(1, math.ceil(self._limiter.get_window_stats(self._item, client).reset_time - time.time()))
        raise ProblemError(
            429,
            "too_many_requests",
            f"Too many requests: expected at most {self._item.amount} a second, received more; "
            f"try again in {wait} s, or send several rows in one request.",
            headers={"Retry-After": str(wait)},
        )
