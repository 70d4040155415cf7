"""Plan a fleet from one node's figures: number of nodes for a day's load, their cost, and the loss of one."""

import dataclasses
import math
from collections.abc import Iterator

from benchmarks.capacity import node
from benchmarks.capacity.measured import ServiceTimes

HOURS = 24
_QUIETEST_HOUR = 4  # of the day
_LEAST_SHARE = 0.25  # of the peak, in that hour
_LEAST_NODES = 2  # one may be lost
_FILLING_CALLERS = 256
_STEPS = 8  # of the search: 1/256 of the range


@dataclasses.dataclass(frozen=True, kw_only=True)
class Demands:
    """The requirements of a fleet."""

    p99_seconds: float  # the limit of every node at the peak
    busy: float  # planned share of a node's capacity: a simulation does not include disturbances
    core_hour: float  # price of one core for an hour
    notice_seconds: float  # until a load balancer stops sending to a lost node
    tail: float = 1.0  # measured p99 over simulated p99; every p99 is multiplied by it
    requests: int = 20_000  # of each simulation
    seed: int = 20261130


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """A fleet for a day with a given peak of requests per second."""

    peak_per_second: float
    nodes: int
    p99_seconds: float  # at the peak
    p99_seconds_one_lost: float  # at the peak, after the other nodes took over
    failed_share: float  # of the requests between a loss and its notice, unless clients retry
    failed_requests: float  # the number of these at the peak
    million_fixed: float  # price of a million predictions, with the nodes of the peak all day
    million_scaled: float  # the same, with the nodes that each hour needs


def day(peak_per_second: float) -> Iterator[float]:
    """Yield requests per second in each hour: a cosine from a quarter of the peak at 4:00 to the peak at 16:00."""
    for hour in range(HOURS):
        risen = (1 - math.cos(2 * math.pi * (hour - _QUIETEST_HOUR) / HOURS)) / 2
        yield peak_per_second * (_LEAST_SHARE + (1 - _LEAST_SHARE) * risen)


def most_per_second(times: ServiceTimes, demands: Demands) -> float:
    """Return the planned requests per second of one node: within the p99 limit, and below its capacity.

    Args:
        times: of one node.
        demands: the limit and the planned share.

    Returns:
        Requests per second.

    Raises:
        ValueError: Even a nearly idle node exceeds the limit.
    """
    filled = node.callers(times, _FILLING_CALLERS, demands.requests).per_second
    low, high = 0.0, filled * demands.busy
    if _p99(times, high, demands) <= demands.p99_seconds:
        return high
    for _ in range(_STEPS):
        middle = (low + high) / 2
        kept = _p99(times, middle, demands) <= demands.p99_seconds
        low, high = (middle, high) if kept else (low, middle)
    if not low:
        raise ValueError(
            f"no load keeps the p99 within {demands.p99_seconds * 1000:g} ms: expected a bound above the time of one "
            "request; pass a larger --p99-ms."
        )
    return low


def _p99(times: ServiceTimes, per_second: float, demands: Demands) -> float:
    return node.stream(times, per_second, demands.requests, demands.seed).p99_seconds * demands.tail


def nodes_for(per_second: float, most: float) -> int:
    """Return the number of nodes for a load, of which one may be lost."""
    return max(_LEAST_NODES, math.ceil(per_second / most) + 1)


def plan(times: ServiceTimes, peak_per_second: float, most: float, demands: Demands) -> Plan:
    """Plan a fleet; requests are assigned to its nodes at random.

    Args:
        times: of one node.
        peak_per_second: requests per second at the peak.
        most: per second, of one node; see most_per_second.
        demands: the limit, prices and times.

    Returns:
        The fleet.
    """
    nodes = nodes_for(peak_per_second, most)
    hours = list(day(peak_per_second))
    millions = sum(hours) * 3600 / 1e6
    core_hours = times.cores * demands.core_hour
    return Plan(
        peak_per_second=peak_per_second,
        nodes=nodes,
        p99_seconds=_p99(times, peak_per_second / nodes, demands),
        p99_seconds_one_lost=_p99(times, peak_per_second / (nodes - 1), demands),
        failed_share=1 / nodes,
        failed_requests=peak_per_second / nodes * demands.notice_seconds,
        million_fixed=nodes * HOURS * core_hours / millions,
        million_scaled=sum(nodes_for(hour, most) for hour in hours) * core_hours / millions,
    )
