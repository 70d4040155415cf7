"""Compute each field's contribution to a row's probability or value: Shapley values by sampled orders.

The estimate is that of pipelines/attribution/shapley.py, which names the sources. This module is plain Python, because
the gateway has no NumPy, and its model server is asked over REST.
"""

import dataclasses
import random
from collections.abc import Sequence

from serving.contract import Row

_SEED = 20240501  # the same row gets the same contributions


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contributions:
    """Contributions to one number, a probability or a value. Base and contributions add up to the number."""

    number: float
    base: float  # mean over the background rows
    of_fields: dict[str, float]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Questions:
    """The rows that the model is asked about to explain one row."""

    rows: list[Row]  # the row, the background, and mixed rows, each with one more of the row's fields
    fields: tuple[str, ...]
    # each walk: the index of its background row, and the order in which fields change
    walks: list[tuple[int, tuple[str, ...]]]

    def read(self, numbers: Sequence[float]) -> Contributions:
        """Compute the contributions.

        Args:
            numbers: the model's output for each of `rows`, in their order.

        Returns:
            The contributions.
        """
        background = len({start for start, _ in self.walks})
        between = iter(numbers[1 + background :])
        total = dict.fromkeys(self.fields, 0.0)
        for start, order in self.walks:
            path = [numbers[start], *(next(between) for _ in order[1:]), numbers[0]]
            for field, before, after in zip(order, path, path[1:], strict=False):
                total[field] += after - before
        return Contributions(
            number=numbers[0],
            base=sum(numbers[1 : 1 + background]) / background,
            of_fields={field: changed / len(self.walks) for field, changed in total.items()},
        )


def count_rows(background: int, fields: int, orders: int) -> int:
    """Return the most rows that make_questions makes; equal values in row and background make fewer."""
    return 1 + background + background * 2 * orders * max(fields - 1, 0)


def make_questions(row: Row, background: Sequence[Row], fields: Sequence[str], orders: int) -> Questions:
    """Make the rows that explain a row.

    Args:
        row: to explain; an absent field is missing.
        background: rows to compare with, 1 or more.
        fields: names of all fields.
        orders: sampled orders of the fields for each background row; each is also taken in reverse.

    Returns:
        The rows, and the order in which they are read.

    Example:
        >>> questions = make_questions({"fare": 8.0}, [{"fare": 4.0}], ["fare"], orders=1)
        >>> questions.rows
        [{'fare': 8.0}, {'fare': 4.0}]
        >>> round(questions.read([0.7, 0.4]).of_fields["fare"], 6)  # with the model's outputs for these rows
        0.3
    """
    generator = random.Random(_SEED)
    walks: list[tuple[int, tuple[str, ...]]] = []
    between: list[Row] = []
    for start, other in enumerate(background, start=1):
        differing = [field for field in fields if row.get(field) != other.get(field)]
        for _ in range(orders):
            generator.shuffle(differing)
            for order in (tuple(differing), tuple(reversed(differing))):
                walks.append((start, order))
                mixed = dict(other)
                for field in order[:-1]:
                    mixed[field] = row.get(field)
                    between.append(dict(mixed))
    return Questions(rows=[row, *background, *between], fields=tuple(fields), walks=walks)
