"""How requests are counted, on a clock that the test turns."""

import pytest

from serving.gateway import rate_limit
from serving.gateway.problems import ProblemError
from serving.gateway.rate_limit import RateLimit


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def answered(limit: RateLimit, client: str) -> bool:
    try:
        limit.count_now(client)
    except ProblemError:
        return False
    return True


def test_no_second_has_more_requests_than_allowed() -> None:
    clock = Clock()
    limit = RateLimit(2, clock)
    taken = []
    for now in (0.0, 0.75, 0.875, 1.0, 1.5, 1.75, 3.0, 3.0, 3.0):
        clock.now = now
        if answered(limit, "app"):
            taken.append(now)
    assert taken == [0.0, 0.75, 1.0, 1.75, 3.0, 3.0]
    assert answered(limit, "another")


def test_no_limit() -> None:
    limit = RateLimit(0)
    assert all(answered(limit, "app") for _ in range(1000))
    assert len(limit) == 0


def test_who_comes_no_more_is_forgotten() -> None:
    clock = Clock()
    limit = RateLimit(2, clock)
    for number in range(3000):
        clock.now += 0.125
        limit.count_now(f"address {number}")
        if number % 8 == 0:
            limit.count_now("app")
    assert len(limit) == 9  # eight addresses and the app in the last second


def test_strangers_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MOST_CLIENTS", 10)
    limit = RateLimit(1, Clock())
    for number in range(100):
        limit.count_now(f"address {number}")
    assert len(limit) == 10
    assert not answered(limit, "address 99")
    assert answered(limit, "address 0")  # forgotten
