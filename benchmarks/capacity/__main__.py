"""Simulate how many nodes a load needs, their cost, and the loss of one, from measured service times.

    python -m benchmarks.capacity --var var

It reads `<var>/bench/serving.json`, which `make load-test` writes, and simulates a node (a gateway and a model server
on the same cores) under random arrivals. It first simulates the load test's own callers, and prints the difference. If
the machine was slower than simulated, the node is slowed until both agree, and its p99 is scaled to the measured one.
Writes `<out>/capacity.json`, which docs/explanation/capacity.md describes.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.capacity import fleet, node
from benchmarks.capacity.measured import FiguresError, ServiceTimes, phase
from serving.durable_file import write_whole

_NARROWEST = 120  # columns that the table needs
_PEAKS = (100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0)  # requests per second


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate; return the exit status: 1 when there is nothing to simulate from."""
    options = _parser().parse_args(arguments)
    record = options.record or options.var / "bench" / "serving.json"
    demands = fleet.Demands(
        p99_seconds=options.p99_ms / 1000,
        busy=options.busy,
        core_hour=options.core_hour,
        notice_seconds=options.notice_seconds,
        requests=options.requests,
    )
    try:
        times = ServiceTimes.read(record)
        compared = compare(times, json.loads(record.read_text()), demands.requests)
        demands = dataclasses.replace(demands, tail=compared["p99_times"])
        alone = dataclasses.replace(times.slowed(compared["work_times"]), generator=0.0)
        most = fleet.most_per_second(alone, demands)
    except (OSError, FiguresError, ValueError) as error:
        print(f"benchmarks.capacity: {error}", file=sys.stderr)
        return 1
    plans = [fleet.plan(alone, peak, most, demands) for peak in options.peaks or _PEAKS]
    _tell(compared, plans, most, demands)
    path = (options.out or options.var / "bench") / "capacity.json"
    found = {
        "times": dataclasses.asdict(times),
        "demands": dataclasses.asdict(demands),
        "compared": compared,
        "most_per_second_of_a_node": round(most, 1),
        "plans": [dataclasses.asdict(one) for one in plans],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(found, indent=2) + "\n")
    Console().print(f"written to {path}")
    return 0


def compare(times: ServiceTimes, record: dict[str, Any], requests: int) -> dict[str, Any]:
    """Simulate the load test's callers of the gateway; only processor times were taken from the load test.

    Args:
        times: processor times of the load test.
        record: the load test's record.
        requests: number of requests to simulate.

    Returns:
        Measured and simulated figures. `work_times` and `p99_times` are the factors, 1 or more, by which the planned
        node's work and p99 are multiplied.
    """
    measured = phase(record, "gateway")
    seen = node.callers(times, measured["concurrency"], requests)
    slower = max(1.0, seen.per_second / measured["requests_per_second"])
    slowed = node.callers(times.slowed(slower), measured["concurrency"], requests)
    return {
        "callers": measured["concurrency"],
        "generator": measured["generator"],
        "measured_per_second": measured["requests_per_second"],
        "simulated_per_second": round(seen.per_second, 1),
        "error_per_second": round(seen.per_second / measured["requests_per_second"] - 1, 3),
        "measured_p50_ms": measured["p50_ms"],
        "simulated_p50_ms": round(seen.p50_seconds * 1000, 3),
        "measured_p99_ms": measured["p99_ms"],
        "simulated_p99_ms": round(seen.p99_seconds * 1000, 3),
        "work_times": slower,
        "slowed_per_second": round(slowed.per_second, 1),
        "slowed_p50_ms": round(slowed.p50_seconds * 1000, 3),
        "slowed_p99_ms": round(slowed.p99_seconds * 1000, 3),
        "p99_times": max(1.0, measured["p99_ms"] / 1000 / slowed.p99_seconds),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.capacity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--var", type=Path, default=Path("var"), metavar="DIR", help="folder that runs write to")
    parser.add_argument("--record", type=Path, metavar="FILE", help="default: <var>/bench/serving.json")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for capacity.json (default: <var>/bench)")
    parser.add_argument("--peaks", type=float, nargs="+", metavar="N", help="requests per second at the busiest moment")
    parser.add_argument("--p99-ms", type=float, default=50, help="p99 limit of every node (default: %(default)s)")
    parser.add_argument("--busy", type=float, default=0.7, help="planned share of a node's capacity (%(default)s)")
    parser.add_argument("--core-hour", type=float, default=0.04, help="price of a core for an hour (%(default)s)")
    parser.add_argument(
        "--notice-seconds", type=float, default=10, help="seconds until a lost node gets no requests (%(default)s)"
    )
    parser.add_argument(
        "--requests", type=int, default=20_000, help="requests of each simulation (default: %(default)s)"
    )
    return parser


def _tell(compared: dict[str, Any], plans: Sequence[fleet.Plan], most: float, demands: fleet.Demands) -> None:
    console = Console(highlight=False)
    console.width = max(console.width, _NARROWEST)
    console.print(
        f"the load test's {compared['callers']} callers: measured {compared['measured_per_second']:,.0f}/s, simulated "
        f"{compared['simulated_per_second']:,.0f}/s ({compared['error_per_second']:+.0%}); p50 "
        f"{compared['measured_p50_ms']:.1f} and {compared['simulated_p50_ms']:.1f} ms, p99 "
        f"{compared['measured_p99_ms']:.1f} and {compared['simulated_p99_ms']:.1f} ms"
    )
    console.print(
        f"with all work {compared['work_times']:.2f} times as long: {compared['slowed_per_second']:,.0f}/s, p50 "
        f"{compared['slowed_p50_ms']:.1f} ms, p99 {compared['slowed_p99_ms']:.1f} ms; planned so, each p99 "
        f"times {compared['p99_times']:.2f}"
    )
    console.print(f"one node is planned for {most:,.0f} requests/s, p99 within {demands.p99_seconds * 1000:g} ms")
    names = ("peak/s", "nodes", "p99 ms", "one lost: p99 ms", "failed till noticed", "share of them")
    table = Table(*names, "a million, fixed", "a million, scaled", box=None, pad_edge=False)
    for one in plans:
        table.add_row(
            f"{one.peak_per_second:,.0f}",
            f"{one.nodes:,}",
            f"{one.p99_seconds * 1000:.1f}",
            f"{one.p99_seconds_one_lost * 1000:.1f}",
            f"{one.failed_requests:,.0f}",
            f"{one.failed_share:.2%}",
            f"{one.million_fixed:.4f}",
            f"{one.million_scaled:.4f}",
        )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
