"""Find the gaps between the groups that a task named, and those that are larger than agreed."""

import dataclasses

import numpy as np
import pandas as pd

from pipelines.evaluation.group_gaps import GroupGap, measure_gaps
from pipelines.evaluation.slices import SlicedRows, slice_in_words
from pipelines.task_definition.scoping import Fairness


@dataclasses.dataclass(frozen=True, kw_only=True)
class FairnessGaps:
    """The gaps on some rows."""

    agreed: Fairness
    min_rows: int  # smallest group that is compared
    gaps: tuple[GroupGap, ...]  # clear ones first, then by size
    small: int  # groups with too few rows for any measure

    @property
    def too_large(self) -> tuple[GroupGap, ...]:
        """The clear gaps that are larger than agreed."""
        return tuple(one for one in self.gaps if self.is_too_large(one))

    def is_too_large(self, one: GroupGap) -> bool:
        """Return whether a gap is clear and larger than agreed."""
        limit, measures = self.agreed.max_gap, self.agreed.measures
        if limit is None:
            return False
        limited = not measures or one.measure in measures
        return limited and one.is_clear and abs(one.gap.value) > limit

    def describe(self) -> tuple[str, ...]:
        """Return one line for each gap that is larger than agreed, or one line that says that none is."""
        limit = f"at most {self.agreed.max_gap:g}"
        if self.too_large:
            return tuple(
                f"{one.measure} where {one.group} differs by {one.gap.value:+.4f} from all other rows "
                f"({one.gap.low:+.4f} to {one.gap.high:+.4f}): NOT {limit}"
                for one in self.too_large
            )
        columns = ", ".join(self.agreed.columns)
        if not self.gaps:
            return (f"no group by {columns} has {self.min_rows} rows or more: no gap was compared",)
        return (f"groups by {columns}: none of {len(self.gaps)} gaps is clear and more than {self.agreed.max_gap:g}",)


def find_gaps(
    agreed: Fairness,
    rows: pd.DataFrame,
    labels: np.ndarray,
    predictions: np.ndarray,
    *,
    problem: str,
    threshold: float,
    min_slice_rows: int,
) -> FairnessGaps:
    """Return the gaps on some rows.

    Args:
        agreed: The fairness table of scoping.toml.
        rows: Raw rows with the columns that define the groups.
        labels: [rows].
        predictions: [rows], or [rows, classes].
        problem: One of pipelines.task_definition.problem.PROBLEMS.
        threshold: Probability from which the decision is the second of two classes.
        min_slice_rows: The task's smallest slice; smaller groups are not compared.
    """
    min_rows, sliced = max(min_slice_rows, agreed.min_rows), SlicedRows(rows)
    groups, small = {}, 0
    for where in (((column, value),) for column in agreed.columns for value in sliced.values(column)):
        inside = sliced.inside(where)
        if inside.sum() < min_rows:
            small += 1
        else:
            groups[slice_in_words(where)] = inside
    gaps = measure_gaps(problem, labels, predictions, groups, threshold=threshold, min_rows=min_rows)
    small += len(groups) - len({one.group for one in gaps})
    gaps.sort(key=lambda one: (not one.is_clear, -abs(one.gap.value)))
    return FairnessGaps(agreed=agreed, min_rows=min_rows, gaps=tuple(gaps), small=small)
