"""Recognise years among numbers, which are shown without a separator of thousands."""

import numpy as np

_YEARS = (1500, 2200)  # a column whose numbers all lie between these, both included, holds years


def are_years(values: np.ndarray) -> bool:
    """Return whether numbers are years: whole, and all between 1500 and 2200.

    A column of other whole numbers in that range is also shown without a separator, which is as easy to read.

    Args:
        values: The numbers, float64; NaN is left out.

    Example:
        >>> are_years(np.array([1905.0, 2021.0])), are_years(np.array([1905.5])), are_years(np.array([7.0, 2021.0]))
        (True, False, False)
    """
    present = values[~np.isnan(values)]
    whole = len(present) > 0 and bool((present == present.round()).all())
    return whole and bool(_YEARS[0] <= present.min() and present.max() <= _YEARS[1])
