"""The values of two samples, put together once for all tests."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pooled:
    """The different values of two samples, and which rows have which."""

    values: np.ndarray  # [different values], sorted
    first: np.ndarray  # [rows of the first sample] int, the place of each row's value in `values`
    second: np.ndarray  # [rows of the second]
    first_counts: np.ndarray  # [different values] int, rows of the first sample
    second_counts: np.ndarray  # [different values] int, rows of the second

    @property
    def counts(self) -> np.ndarray:
        """Rows of both samples, [different values] int."""
        return self.first_counts + self.second_counts


def pool(first: np.ndarray, second: np.ndarray) -> Pooled:
    """Puts the values of two samples together.

    Args:
        first: [rows], of a type that sorts.
        second: [rows].
    """
    values, codes = np.unique(np.concatenate([first, second]), return_inverse=True)
    parts = codes[: len(first)], codes[len(first) :]
    counts = [np.bincount(part, minlength=len(values)) for part in parts]
    return Pooled(values=values, first=parts[0], second=parts[1], first_counts=counts[0], second_counts=counts[1])
