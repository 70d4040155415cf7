"""Search for slices in which a model's loss is higher than elsewhere, and confirm them on rows not used by the search.

1. The rows are halved at random. On one half, every condition on a column and every pair of conditions on two columns
   is a candidate.
2. The slice with the largest Welch's t is taken, and its rows are removed. The next slice is searched for among the
   rows that are left, and within the slices that were taken.
3. On the other half, each slice is tested in the same order and against the same rows. Those that are significant
   after Holm's correction (1979, "A simple sequentially rejective multiple test procedure") are reported.

Only the slices that were taken are tested, so the correction is for their number, not for the thousands of candidates.
If no slice is worse than the rest, at most 5% of searches report any. The method follows Chung et al. 2019, "Slice
Finder: Automated data slicing for model validation".
"""

import dataclasses
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from pipelines.error_analysis.conditions import Conditions, make_conditions
from pipelines.error_analysis.worst_slices import Regions, SearchOptions, TakenSlice, WorstSlices
from pipelines.evaluation.slices import OVERALL

_SEED = 20240501  # the same rows give the same slices
_COLUMNS = ["slice", "within", "rows", "loss", "loss_elsewhere", "effect", "p"]
_DEFAULTS = SearchOptions()


@dataclasses.dataclass(frozen=True, kw_only=True)
class SliceSearch:
    """The confirmed slices, and the size of the search.

    `found` has one row per confirmed slice, in the order in which they were taken. All figures are from the confirming
    half. Columns: slice (in words), within (the taken slice that it is a part of, or "overall" for the rows of no slice
    taken before), rows, loss (mean), loss_elsewhere (mean of the other rows of `within`), effect (the difference in
    standard deviations), p (after Holm's correction).
    """

    found: pd.DataFrame
    looked_at: int  # candidates with enough rows
    tested: int  # slices tested on the other half
    searched_rows: int
    confirming_rows: int


def search_slices(
    rows: pd.DataFrame,
    losses: np.ndarray,
    *,
    categories: Collection[str] = (),
    options: SearchOptions = _DEFAULTS,
    seed: int = _SEED,
) -> SliceSearch:
    """Return the slices in which the mean loss is higher than elsewhere.

    Args:
        rows: Raw columns, as Run.rows returns them; columns of lists are not used.
        losses: Losses of the rows, [rows].
        categories: Columns of numbers that are categories.
        options: Limits of the search.
        seed: Seed of the halves.
    """
    order = np.random.default_rng(seed).permutation(len(rows))
    search, confirm = np.sort(order[: len(rows) // 2]), np.sort(order[len(rows) // 2 :])
    conditions = make_conditions(rows.iloc[search], categories)
    worst = WorstSlices(conditions.met_by(rows.iloc[search]), conditions.columns, losses[search], options)
    taken = worst.take()
    tested = _test(taken, conditions, conditions.met_by(rows.iloc[confirm]), losses[confirm])
    confirmed = tested[(tested["p"] <= options.level) & (tested["effect"] >= options.least_effect)]
    return SliceSearch(
        found=confirmed.reset_index(drop=True),
        looked_at=worst.count(),
        tested=len(taken),
        searched_rows=len(search),
        confirming_rows=len(confirm),
    )


def _test(taken: Sequence[TakenSlice], conditions: Conditions, met: np.ndarray, losses: np.ndarray) -> pd.DataFrame:
    regions, labels, found = Regions(met), conditions.labels, []
    for one in taken:
        inside, rest = regions.take(one)
        within = [] if one.within is None else [labels[one.within]]
        words = " and ".join([*within, *(labels[number] for number in one.conditions)])
        found.append((words, *(within or [OVERALL]), *_compare(losses[inside], losses[rest])))
    table = pd.DataFrame(found, columns=_COLUMNS)
    return table.assign(p=correct_by_holm(table["p"].to_numpy(np.float64)))


def _compare(inside: np.ndarray, rest: np.ndarray) -> tuple[int, float, float, float, float]:
    """Return rows, both mean losses, effect size, and p of Welch's one-sided test, which is 1 if it is undefined."""
    means = [float(losses.mean()) if len(losses) else np.nan for losses in (inside, rest)]
    if len(inside) < 2 or len(rest) < 2:
        return len(inside), means[0], means[1], np.nan, 1.0
    spread = float(np.sqrt((inside.var(ddof=1) + rest.var(ddof=1)) / 2))
    if spread == 0:
        return len(inside), means[0], means[1], 0.0, 1.0
    p = float(stats.ttest_ind(inside, rest, equal_var=False, alternative="greater").pvalue)
    return len(inside), means[0], means[1], (means[0] - means[1]) / spread, p


def correct_by_holm(p: np.ndarray) -> np.ndarray:
    """Return p-values after Holm's correction, [tests]: the level then bounds the probability of any false rejection.

    Example:
        >>> correct_by_holm(np.array([0.01, 0.04, 0.03])).tolist()
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1)
    return corrected
