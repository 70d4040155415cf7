"""Measure how often production metrics are right in windows with known labels: estimates first, then gaps.

    .venv/bin/python -m benchmarks.production_metrics

Each world draws 50 eval splits of 5,000 rows, fits a recalibration to each, and judges 20 windows of 1,000 rows by it:
1,000 windows. The first table shows how often the 95% interval of an estimate holds the value that labels then give.
The second shows in what share of windows some gap to the split's own metrics is reported as more than chance.

A row's log odds give its prediction and its label. In the world `shifted columns` the log odds of some windows are
higher: a prediction still means the same share of positive rows, so the estimates are right, and the gap to the eval
split is real. In the world `changed answers` only the labels' odds are higher: estimates cannot show it, gaps do.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from pipelines.evaluation.bootstrap import estimate_intervals
from pipelines.production_metrics.estimation import estimate_metrics
from pipelines.production_metrics.metrics import metrics_at
from pipelines.production_metrics.recalibration import fit_recalibration
from pipelines.production_metrics.verdict import measure_gap, more_than_chance, p_value, standard_error

SPLITS, WINDOWS = 50, 20  # windows of each split
SPLIT_ROWS, WINDOW_ROWS = 5_000, 1_000
THRESHOLD = 0.5


def _logistic(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """The distribution of rows. A row has log odds, from which its label and the model's probability follow."""

    said: Callable[[np.ndarray], np.ndarray]  # log odds -> the model's probability
    shift: float = 0.0  # added to the log odds in half of the windows
    answer_shift: float = 0.0  # added to the log odds of the labels only, in all windows

    def draw(
        self, rows: int, generator: np.random.Generator, *, shift: float = 0.0, answer_shift: float = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw labels [rows] and predictions [rows]."""
        odds = generator.normal(-1.2 + shift, 1.8, rows)
        labels = (generator.random(rows) < _logistic(odds + answer_shift)).astype(np.int64)
        return labels, self.said(odds).astype(np.float32).astype(np.float64)


WORLDS = {
    "calibrated": World(said=_logistic),
    "overconfident": World(said=lambda odds: _logistic(1.7 * odds + 0.5)),
    "underconfident": World(said=lambda odds: _logistic(0.5 * odds - 0.3)),
    "shifted columns": World(said=_logistic, shift=0.8),
    "changed answers": World(said=_logistic, answer_shift=0.8),
}


def coverage(
    world: World, *, splits: int = SPLITS, windows: int = WINDOWS, refits: int = 200, seed: int = 20240801
) -> dict[str, float]:
    """Return the share of windows whose real value is in the 95% interval, by metric."""
    generator, metrics = np.random.default_rng(seed), metrics_at(THRESHOLD)
    held: dict[str, list[bool]] = {name: [] for name in metrics}
    once = np.ones((1, WINDOW_ROWS))
    for _ in range(splits):
        recalibration = fit_recalibration(*world.draw(SPLIT_ROWS, generator), refits=refits)
        for number in range(windows):
            shift = world.shift * (number % 2)
            labels, predictions = world.draw(WINDOW_ROWS, generator, shift=shift, answer_shift=world.answer_shift)
            estimated = estimate_metrics(
                predictions, recalibration, metrics, seed=int(generator.integers(2**31)), draws=refits
            )
            for name, metric in metrics.items():
                value = metric(labels, predictions, once)[0]
                held[name].append(bool(estimated[name].low <= value <= estimated[name].high))
    return {name: float(np.mean(each)) for name, each in held.items()}


def gaps_called(world: World, *, splits: int = SPLITS, windows: int = WINDOWS, seed: int = 20240802) -> float:
    """Return the share of windows in which some gap is reported as more than chance, all metrics judged together."""
    generator, metrics = np.random.default_rng(seed), metrics_at(THRESHOLD)
    called = []
    for _ in range(splits):
        promised = estimate_intervals(*world.draw(SPLIT_ROWS, generator), metrics)
        for number in range(windows):
            shift = world.shift * (number % 2)
            drawn = world.draw(WINDOW_ROWS, generator, shift=shift, answer_shift=world.answer_shift)
            measured = estimate_intervals(*drawn, metrics)
            gaps = [measure_gap(measured[name], WINDOW_ROWS, promised[name], SPLIT_ROWS) for name in metrics]
            called.append(any(more_than_chance([p_value(gap.value, standard_error(gap)) for gap in gaps if gap])))
    return float(np.mean(called))


def main() -> None:
    """Print both tables."""
    names = list(metrics_at(THRESHOLD))
    print(f"{'interval holds':<16}" + "".join(f"{name:>21}" for name in names))
    for name, world in WORLDS.items():
        found = coverage(world)
        print(f"{name:<16}" + "".join(f"{found[metric]:>21.1%}" for metric in names), flush=True)
    print("\nwindows with a gap beyond chance")
    for name, world in WORLDS.items():
        print(f"{name:<16}{gaps_called(world):>21.1%}", flush=True)


if __name__ == "__main__":
    main()
