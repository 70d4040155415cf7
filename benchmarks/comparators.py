"""Measure how often a new task's rows are refused by chance, and which shifts its comparators catch.

    python -m benchmarks.comparators                  # simulated splits, a few seconds
    python -m benchmarks.comparators --tfdv 50        # and real splits through TFDV, as in AnomalyGate; a minute

A made-up table has text columns of three kinds (two values, three, twelve), each kind with a value in 1% to 100% of the
rows. `make new-task` proposes its contract; then the same rows are split at random repeatedly. The benchmark prints the
share of splits that some column refuses. Of splits in which the most frequent value's share moved between train and
eval, it prints the share that is caught. docs/decisions/0023-comparators.md shows the tables.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from components.csv_example_gen.row_split import EVAL_SHARE
from pipelines.scaffold import chance

ROWS = (600, 3_000, 15_000)
FILLED = (0.01, 0.02, 0.04, 0.1, 0.25, 0.5, 1.0)  # of the rows
MIXES = ((0.5, 0.5), (0.7, 0.2, 0.1), tuple(share / sum(1 / n for n in range(1, 13)) for share in 1 / np.arange(1, 13)))
FALSE_ALARMS_OF_A_RULE = chance.FALSE_ALARMS / (3 * len(FILLED) * len(MIXES))  # comparator, domain, presence of each
PRESENT = (60, 150, 300, 600, 1_500, 5_000)  # rows with a value
SHIFTS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5)  # of the most frequent value's share
POWER_MIX = MIXES[1]

Counts = tuple[int, ...]  # rows with each value


def make_counts(present: int, mix: Sequence[float]) -> Counts:
    """Divide rows among values, at least one for each."""
    edges = np.round(np.cumsum(mix) * present).astype(int)
    return tuple(int(count) for count in np.diff(edges, prepend=0) if count)


def simulate_distances(counts: Counts, splits: int, random: np.random.Generator) -> np.ndarray:
    """Return a column's L-infinity distances between train and eval in random splits, [splits].

    A distance is inf where a split is empty.
    """
    of_each = np.array(counts)
    evaluated = random.binomial(of_each, EVAL_SHARE, size=(splits, len(counts)))
    return measure_distances(of_each - evaluated, evaluated)


def simulate_shifted(present: int, shift: float, splits: int, random: np.random.Generator) -> np.ndarray:
    """Return the same distances after a shift: in eval, the most frequent value's share is lower by `shift`."""
    before = np.array(POWER_MIX)
    after = np.r_[before[0] - shift, before[1:] * (1 + shift / before[1:].sum())]
    evaluated = random.binomial(present, EVAL_SHARE, size=splits)
    return measure_distances(random.multinomial(present - evaluated, before), random.multinomial(evaluated, after))


def old_threshold(rows: int) -> float:
    """Return the earlier rule's threshold: four standard errors of a share of one half, over all rows."""
    error = np.sqrt(0.25 * (1 / (rows * (1 - EVAL_SHARE)) + 1 / (rows * EVAL_SHARE)))
    return float(max(0.1, np.ceil(400 * error) / 100))


def simulate_refusals(rows: int, splits: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Return which random splits the old and the new rule refuse, each [filled, splits]."""
    refused = {"old": np.zeros((len(FILLED), splits), bool), "new": np.zeros((len(FILLED), splits), bool)}
    for place, filled in enumerate(FILLED):
        for mix in MIXES:
            counts = make_counts(round(rows * filled), mix)
            threshold = chance.propose_threshold(counts, FALSE_ALARMS_OF_A_RULE)
            distances = simulate_distances(counts, splits, random)
            refused["old"][place] |= distances > old_threshold(rows)
            refused["new"][place] |= distances > (np.inf if threshold is None else threshold)  # inf: no comparator
    return refused


def measure_distances(trained: np.ndarray, evaluated: np.ndarray) -> np.ndarray:
    """Return the distances, [splits], of counts of rows with each value, [splits, values] each."""
    in_train, in_eval = trained.sum(axis=1, keepdims=True), evaluated.sum(axis=1, keepdims=True)
    difference = np.abs(trained / np.maximum(in_train, 1) - evaluated / np.maximum(in_eval, 1)).max(axis=1)
    return np.where(((in_train > 0) & (in_eval > 0))[:, 0], difference, np.inf)


def make_table(rows: int, random: np.random.Generator) -> pd.DataFrame:
    """Make a table with a column for each share and mix, and a label that is independent of them."""
    columns = {}
    for filled in FILLED:
        for number, mix in enumerate(MIXES, start=1):
            cells = np.full(rows, None, dtype=object)
            texts = [
                f"v{value}" for value, count in enumerate(make_counts(round(rows * filled), mix)) for _ in range(count)
            ]
            cells[random.permutation(rows)[: len(texts)]] = texts
            columns[f"filled_{round(100 * filled)}_mix_{number}"] = cells
    return pd.DataFrame(columns | {"label": np.where(random.random(rows) < 0.5, "yes", "no")})


def count_refused_by_tfdv(rows: int, splits: int, random: np.random.Generator) -> dict[str, int]:
    """Split the table at random, and ask TFDV as ExampleValidator and AnomalyGate do.

    Args:
        rows: of the table.
        splits: the number of random splits.
        random: the random generator.

    Returns:
        Kind of anomaly -> number of splits in which some column has it; "any" counts splits with any anomaly.
    """
    from benchmarks.tfdv_splits import find_anomalies, propose_schema

    table = make_table(rows, random)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "table.csv"
        table.to_csv(file, index=False)
        schema = propose_schema(file, "label")
    found: dict[str, int] = {"any": 0}
    for _ in range(splits):
        in_eval = random.random(rows) < EVAL_SHARE
        kinds = find_anomalies(table[~in_eval], table[in_eval], schema)
        for kind in {kind for _, kind in kinds} | ({"any"} if kinds else set()):
            found[kind] = found.get(kind, 0) + 1
    return found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=1_000, metavar="N", help="simulated splits of each table")
    parser.add_argument("--tfdv", type=int, default=0, metavar="N", help="splits of the smallest table through TFDV")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    options = parser.parse_args()
    console, random = Console(), np.random.default_rng(options.seed)
    console.print(_tabulate_refusals(options.splits, random))
    console.print(_tabulate_power(options.splits, random))
    if options.tfdv:
        for kind, count in count_refused_by_tfdv(ROWS[0], options.tfdv, random).items():
            console.print(f"TFDV, {ROWS[0]} rows, {kind}: {count} of {options.tfdv} random splits")


def _tabulate_refusals(splits: int, random: np.random.Generator) -> Table:
    table = Table(title=f"Random splits refused, of {splits:,}: old rule -> new rule (threshold of three values)")
    table.add_column("rows with a value")
    found = [simulate_refusals(rows, splits, random) for rows in ROWS]
    for rows in ROWS:
        table.add_column(f"{rows:,} rows", justify="right")
    for place, filled in enumerate(FILLED):
        cells = []
        for rows, refused in zip(ROWS, found, strict=True):
            threshold = chance.propose_threshold(make_counts(round(rows * filled), POWER_MIX), FALSE_ALARMS_OF_A_RULE)
            old, new = (refused[rule][place].mean() for rule in ("old", "new"))
            cells.append(f"{old:.1%} -> {new:.1%} ({'none' if threshold is None else threshold})")
        table.add_row(f"{filled:.0%}", *cells)
    table.add_row(
        "any column",
        *(f"{one['old'].any(axis=0).mean():.1%} -> {one['new'].any(axis=0).mean():.1%}" for one in found),
    )
    return table


def _tabulate_power(splits: int, random: np.random.Generator) -> Table:
    table = Table(title="Shifts caught: the most frequent value's share, 70%, is lower in eval by")
    for heading in ("rows with a value", "threshold", *(f"{shift:.0%}" for shift in SHIFTS)):
        table.add_column(heading, justify="right")
    for present in PRESENT:
        threshold = chance.propose_threshold(make_counts(present, POWER_MIX), FALSE_ALARMS_OF_A_RULE)
        caught = [
            0.0 if threshold is None else (simulate_shifted(present, shift, splits, random) > threshold).mean()
            for shift in SHIFTS
        ]
        table.add_row(f"{present:,}", str(threshold or "none"), *(f"{share:.1%}" for share in caught))
    return table


if __name__ == "__main__":
    main()
