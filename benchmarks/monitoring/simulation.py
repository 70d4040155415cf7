"""Draw windows from the trips, change some of them, and judge them."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from benchmarks.monitoring.changes import Change
from benchmarks.monitoring.trips import MOVING, Trips, features, predictions, take
from components.traffic_monitor.comparison import Judged, judge
from components.traffic_monitor.verdicts import LEVEL
from components.traffic_monitor.window import (
    compare_predictions,
    compare_with_before,
    compare_with_training,
)

_TRAINING, _DRAWN = 8_000, 4_000  # rows; the rest is for evaluation


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parts:
    """Disjoint rows: for training, for evaluation, and to be served."""

    training: Trips
    evaluation: Trips
    unserved: Trips


def part(trips: Trips, draw: np.random.Generator) -> Parts:
    """Divide the trips at random."""
    rows = draw.permutation(len(trips["fare"]))
    training, unserved, evaluation = np.split(rows, [_TRAINING, _TRAINING + _DRAWN])
    return Parts(training=take(trips, training), evaluation=take(trips, evaluation), unserved=take(trips, unserved))


def judge_windows(parts: Parts, windows: list[Trips]) -> Iterator[list[Judged]]:
    """Judge each window against training and against the one before it, from the second on."""
    training = features(parts.training, "training")
    expected = predictions(parts.evaluation, "evaluation")
    for number in range(1, len(windows)):
        window, before = windows[number], windows[number - 1]
        rows = features(window, "window"), features(before, "window before")
        answers = predictions(window, "window"), predictions(before, "window before")
        yield judge(
            compare_with_training(*rows, training, MOVING)
            + compare_with_before(*rows, MOVING)
            + compare_predictions(*answers, expected),
            LEVEL,
        )


def unchanged_window(trips: Trips, rows: int, draw: np.random.Generator) -> list[Judged]:
    """Judge one window without change."""
    parts = part(trips, draw)
    windows = [take(parts.unserved, np.arange(rows) + number * rows) for number in range(2)]
    return next(judge_windows(parts, windows))


def changed_windows(trips: Trips, rows: int, change: Change, draw: np.random.Generator) -> list[list[Judged]]:
    """Judge two windows after a change; the window before them is unchanged."""
    parts = part(trips, draw)
    unchanged = take(parts.unserved, np.arange(rows))
    later = change(take(parts.unserved, np.arange(rows, _DRAWN)), draw)
    changed = [take(later, np.arange(start, start + rows)) for start in (0, rows)]
    return list(judge_windows(parts, [unchanged, *changed]))
