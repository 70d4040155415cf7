"""What each field of a row adds to its probability or value: Shapley values by sampled orders, in plain Python.

As pipelines/attribution/shapley.py estimates them, which has the sources. The gateway has no NumPy, and its model
server is asked over REST.
"""

import dataclasses
import random
from collections.abc import Sequence

from serving.contract import Row

_SEED = 20240501  # the same row gets the same contributions


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contributions:
    """Contributions to one number, a probability or a value; they add up to it, from the base on."""

    number: float
    base: float  # mean number of the background rows
    of_fields: dict[str, float]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Questions:
    """The rows that the model has to be asked about, to explain one."""

    rows: list[Row]  # the row, the background, and the rows between: in each, one more field is the row's
    fields: tuple[str, ...]
    walks: list[tuple[int, tuple[str, ...]]]  # from which background row, and which fields change in which order

    def read(self, numbers: Sequence[float]) -> Contributions:
        """Return the contributions.

        Args:
            numbers: of `rows`, in their order: what the model says of each.
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
    """Count the rows that make_questions makes at most: fewer where the row and the background have equal values."""
    return 1 + background + background * 2 * orders * max(fields - 1, 0)


def make_questions(row: Row, background: Sequence[Row], fields: Sequence[str], orders: int) -> Questions:
    """Make the questions that explain a row.

    Args:
        row: to explain; a field that it lacks is missing.
        background: rows that it is compared with, 1 or more.
        fields: names of all fields.
        orders: of the fields for each background row; each is also taken in reverse.
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
