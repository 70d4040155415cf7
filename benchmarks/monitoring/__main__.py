"""Print how often a window without change raises an alarm, and how often planted changes are found.

.venv/bin/python -m benchmarks.monitoring            both tables, about 10 minutes on one core
.venv/bin/python -m benchmarks.monitoring --windows 100 --repeats 10
"""

import argparse
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from scipy import stats

from benchmarks.monitoring.changes import CHANGES
from benchmarks.monitoring.simulation import changed_windows, unchanged_window
from benchmarks.monitoring.trips import Trips, read_trips
from components.traffic_monitor.comparison import Judged
from data.taxi import packaged_file

_TOLD = 100  # windows


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monitoring", description=__doc__)
    parser.add_argument("--windows", type=int, default=1000, help="windows without change; 0 skips this table")
    parser.add_argument("--repeats", type=int, default=100, help="simulations of each change; 0 skips this table")
    parser.add_argument("--rows", type=int, default=1000, help="rows of a window")
    parser.add_argument("--only", nargs="*", default=[""], help="only changes whose name contains one of these words")
    options = parser.parse_args()
    trips = read_trips(packaged_file())
    tables = [false_alarms(trips, options.windows, options.rows)] if options.windows else []
    tables += [power(trips, options.repeats, options.rows, options.only)] if options.repeats else []
    for line in itertools.chain.from_iterable(tables):
        print(line, flush=True)


def false_alarms(trips: Trips, windows: int, rows: int) -> Iterator[str]:
    """Yield the table of windows without change."""
    draw = np.random.default_rng(0)
    alarms, causes, tests = 0, Counter[str](), 0
    for number in range(1, windows + 1):
        judged = unchanged_window(trips, rows, draw)
        tests = len(judged)
        found = [one for one in judged if one.alarm]
        alarms += bool(found)
        causes.update(f"{one.comparison.column} {one.comparison.test}" for one in found)
        if number % _TOLD == 0 and number < windows:
            yield f"so far {alarms} of {number}"
    low, high = stats.binomtest(alarms, windows).proportion_ci()
    yield f"{windows} windows of {rows:,} rows without change, {tests} tests each:"
    yield f"{alarms} raised an alarm, {alarms / windows:.1%} (95%: {low:.1%} to {high:.1%})"
    yield from (f"  {cause}: {count}" for cause, count in causes.most_common())


def power(trips: Trips, repeats: int, rows: int, only: Sequence[str]) -> Iterator[str]:
    """Yield the table of planted changes."""
    draw = np.random.default_rng(1)
    yield f"{'change':<50} first window  within two  clearest in"
    for name, change in CHANGES.items():
        if not any(word in name for word in only):
            continue
        found = [changed_windows(trips, rows, change, draw) for _ in range(repeats)]
        first = np.mean([_is_alarm(windows[0]) for windows in found])
        either = np.mean([any(_is_alarm(one) for one in windows) for windows in found])
        clearest = Counter(_clearest(windows[1]) for windows in found).most_common(1)[0][0]
        yield f"{name:<50} {first:>12.0%}  {either:>10.0%}  {clearest}"


def _is_alarm(judged: list[Judged]) -> bool:
    return any(one.alarm for one in judged)


def _clearest(judged: list[Judged]) -> str:
    best = min(judged, key=lambda one: one.comparison.p_value).comparison
    return f"{best.column or 'all rows'}, {best.test}"


if __name__ == "__main__":
    main()
