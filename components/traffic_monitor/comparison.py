"""Compare two samples column by column, and judge which comparisons of a family differ by more than chance."""

import dataclasses
from collections.abc import Collection, Sequence, Set

import numpy as np

from components.traffic_monitor import two_sample
from components.traffic_monitor.cells import make_cells, show
from components.traffic_monitor.pooled import Pooled, pool
from components.traffic_monitor.samples import Column, Sample

MISSING = "missing"  # the share of rows without a value
DISTRIBUTION = "distribution"  # the shares of values and intervals
ORDER = "order"  # whether numbers are larger or smaller
UNSEEN = "unseen"  # values that the reference does not have
SPIKE = "spike"  # a value that is more frequent than in the reference
COPIES = "copies"  # rows that repeat another row in every column
ALL_ROWS = ""  # the column of a comparison of whole rows
_SHOWN_VALUES = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """One test of a window against a reference."""

    column: str  # ALL_ROWS: whole rows
    test: str  # one of the names above
    window: str  # name of the sample
    reference: str  # name of the sample that it is compared with
    p_value: float  # of this test alone
    observed: str  # what the window shows, in a few words
    expected: str  # what the reference shows
    version: str = ""  # the model version that answered the rows; empty for rows of all versions


@dataclasses.dataclass(frozen=True, kw_only=True)
class Judged:
    """A comparison, judged together with all others of its family."""

    comparison: Comparison
    adjusted: float  # Holm's adjusted p-value: the smallest level of the whole family at which this is an alarm
    alarm: bool


def compare(
    window: Sample, reference: Sample, tests: Collection[str], skipped: Collection[str] = ()
) -> list[Comparison]:
    """Compare two samples in every column that both have.

    Args:
        window: the rows to judge.
        reference: the rows to compare with.
        tests: names of the tests.
        skipped: columns whose values differ in any case. They get only the test MISSING, and COPIES ignores them.

    Returns:
        One comparison per column and test; tests that the values do not allow are left out.
    """
    found = []
    for name in sorted(window.columns.keys() & reference.columns.keys()):
        asked = {MISSING} & set(tests) if name in skipped else set(tests)
        found += _compare_column(name, window, reference, asked)
    if COPIES in tests:
        found += _compare_rows(window, reference, skipped)
    return found


def judge(comparisons: Sequence[Comparison], level: float) -> list[Judged]:
    """Judge a family with Holm's method (1979): the probability of any false alarm is at most `level`.

    Args:
        comparisons: all comparisons of a window.
        level: 0 to 1.

    Returns:
        The comparisons in the same order, each with its adjusted p-value.
    """
    order = np.argsort([one.p_value for one in comparisons], kind="stable")
    adjusted = np.empty(len(comparisons))
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(comparisons) - rank) * comparisons[place].p_value))
        adjusted[place] = largest
    return [
        Judged(comparison=one, adjusted=float(value), alarm=bool(value <= level))
        for one, value in zip(comparisons, adjusted, strict=True)
    ]


def _compare_column(name: str, window: Sample, reference: Sample, tests: Set[str]) -> list[Comparison]:
    new, old = window.columns[name], reference.columns[name]
    values = new.found, old.found
    found = []
    if MISSING in tests:
        found.append(_missing(new, old, window, reference))
    if not tests - {MISSING} or not len(values[0]) or not len(values[1]):
        return found
    pooled = pool(*values)
    if DISTRIBUTION in tests or (ORDER in tests and new.ordered):
        found += _shares_and_order(new, window, reference, pooled, tests)
    if UNSEEN in tests:
        found.append(_unseen(name, window, reference, pooled))
    if SPIKE in tests:
        found.append(_spike(name, window, reference, pooled))
    return found


def _shares_and_order(
    column: Column, window: Sample, reference: Sample, pooled: Pooled, tests: Collection[str]
) -> list[Comparison]:
    cells = make_cells(pooled, ordered=column.ordered)
    codes = cells.of_values[pooled.first], cells.of_values[pooled.second]
    found = []
    if DISTRIBUTION in tests and cells.number > 1:
        counts = [np.bincount(code, minlength=cells.number) for code in codes]
        shares = [count / count.sum() for count in counts]
        most = int(np.abs(shares[0] - shares[1]).argmax())
        found.append(
            Comparison(
                column=column.name,
                test=DISTRIBUTION,
                window=window.name,
                reference=reference.name,
                p_value=two_sample.chi_square(counts[0], counts[1]),
                observed=f"{cells.describe(most)} in {shares[0][most]:.1%}",
                expected=f"in {shares[1][most]:.1%}",
            )
        )
    if ORDER in tests and column.ordered:
        distance, p_value = two_sample.kolmogorov_smirnov(pooled)
        found.append(
            Comparison(
                column=column.name,
                test=ORDER,
                window=window.name,
                reference=reference.name,
                p_value=p_value,
                observed=f"{_quartiles(pooled.values, pooled.first_counts)}; distance {distance:.3f}",
                expected=_quartiles(pooled.values, pooled.second_counts),
            )
        )
    return found


def _missing(new: Column, old: Column, window: Sample, reference: Sample) -> Comparison:
    counts = [int((~column.present).sum()) for column in (new, old)]
    return Comparison(
        column=new.name,
        test=MISSING,
        window=window.name,
        reference=reference.name,
        p_value=two_sample.fisher(counts[0], window.rows, counts[1], reference.rows),
        observed=f"missing in {counts[0] / max(1, window.rows):.1%}",
        expected=f"in {counts[1] / max(1, reference.rows):.1%}",
    )


def _unseen(name: str, window: Sample, reference: Sample, pooled: Pooled) -> Comparison:
    """Compare the values that the reference lacks.

    The expected share is the estimate of Good and Turing (1953): the share of the reference's rows whose value occurs
    once.

    Args:
        name: of the column.
        window: the rows to judge.
        reference: the rows to compare with.
        pooled: the values of both.

    Returns:
        The comparison.
    """
    _, p_value = two_sample.unseen(pooled)
    rows = np.where(pooled.second_counts == 0, pooled.first_counts, 0)
    most = np.argsort(-rows, kind="stable")[:_SHOWN_VALUES]
    shown = ", ".join(show(pooled.values[place]) for place in most if rows[place])
    return Comparison(
        column=name,
        test=UNSEEN,
        window=window.name,
        reference=reference.name,
        p_value=p_value,
        observed=f"{rows.sum() / window.rows:.1%} unseen{f', such as {shown}' if shown else ''}",
        expected=f"{(pooled.second_counts == 1).sum() / reference.rows:.1%}",
    )


def _spike(name: str, window: Sample, reference: Sample, pooled: Pooled) -> Comparison:
    place, p_value = two_sample.spike(pooled)
    return Comparison(
        column=name,
        test=SPIKE,
        window=window.name,
        reference=reference.name,
        p_value=p_value,
        observed=f"{show(pooled.values[place])} in {pooled.first_counts[place] / len(pooled.first):.1%}",
        expected=f"in {pooled.second_counts[place] / len(pooled.second):.1%}",
    )


def _compare_rows(window: Sample, reference: Sample, skipped: Collection[str]) -> list[Comparison]:
    # In skipped columns the values of the two samples differ in any case, so that no row would be in both.
    shared = sorted((window.columns.keys() & reference.columns.keys()).difference(skipped))
    if not shared or not window.rows or not reference.rows:
        return []
    code = np.zeros(window.rows + reference.rows, dtype=np.int64)
    for name in shared:
        cells = [sample.columns[name] for sample in (window, reference)]
        present = np.concatenate([cell.present for cell in cells])
        pooled = np.concatenate([cell.values for cell in cells])
        found = np.zeros(len(pooled), dtype=np.int64)
        found[present] = np.unique(pooled[present], return_inverse=True)[1] + 1
        code = np.unique(code * (int(found.max()) + 1) + found, return_inverse=True)[1]
    pooled = pool(code[: window.rows], code[window.rows :])
    count, p_value = two_sample.copies(pooled)
    before = int(np.maximum(pooled.second_counts - 1, 0).sum())
    return [
        Comparison(
            column=ALL_ROWS,
            test=COPIES,
            window=window.name,
            reference=reference.name,
            p_value=p_value,
            observed=f"{count} of {window.rows} rows repeat another",
            expected=f"{before} of {reference.rows}",
        )
    ]


def _quartiles(values: np.ndarray, counts: np.ndarray) -> str:
    cumulated = np.cumsum(counts) / counts.sum()
    low, middle, high = (float(values[place]) for place in np.searchsorted(cumulated, (0.25, 0.5, 0.75)))
    return f"median {middle:.6g}, middle half {low:.6g} to {high:.6g}"
