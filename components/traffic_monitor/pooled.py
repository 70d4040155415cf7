"""The values of two samples, pooled once for all tests."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pooled:
    """The different values of two samples, and the value of each row."""

    values: np.ndarray  # [different values], sorted
    first: np.ndarray  # [rows of the first sample] int, the position of each row's value in `values`
    second: np.ndarray  # [rows of the second sample] int, likewise
    first_counts: np.ndarray  # [different values] int, rows of the first sample
    second_counts: np.ndarray  # [different values] int, rows of the second sample

    @property
    def counts(self) -> np.ndarray:
        """The rows of both samples with each value, [different values] int."""
        return self.first_counts + self.second_counts


def pool(first: np.ndarray, second: np.ndarray) -> Pooled:
    """Pool the values of two samples.

    Args:
        first: [rows], of a type that can be sorted.
        second: [rows], of the same type.

    Returns:
        The different values, and the rows that have them.

    Example:
        >>> pooled = pool(np.array([3, 5, 5]), np.array([5, 7]))
        >>> pooled.values.tolist(), pooled.first.tolist(), pooled.counts.tolist()
        ([3, 5, 7], [0, 1, 1], [1, 3, 1])
    """
    values, codes = np.unique(np.concatenate([first, second]), return_inverse=True)
    parts = codes[: len(first)], codes[len(first) :]
    counts = [np.bincount(part, minlength=len(values)) for part in parts]
    return Pooled(values=values, first=parts[0], second=parts[1], first_counts=counts[0], second_counts=counts[1])
