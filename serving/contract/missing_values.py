"""How a client of `serving_raw` sends a missing value.

TensorFlow Serving's JSON rows can neither leave a key out nor send null, so one number and one string stand for
"missing". The contract names them in two schema-level tags, where clients find them, too::

    annotation { tag: "missing_number:-9007199254740992" tag: "missing_string:" }

-2^53 is exact as int64, float32, float64 and in the JSON of every language, and no measured quantity.

Files may spell "missing" in other ways than by an empty cell: one tag for each, `missing_cell:N/A`. ExampleGen reads
such a cell as missing, so a request must not hold it as a value.
"""

import contextlib
import dataclasses
import functools
import struct
from typing import Self

from tensorflow_metadata.proto.v0 import schema_pb2

_NUMBER_TAG = "missing_number:"
_STRING_TAG = "missing_string:"
MISSING_CELL_TAG = "missing_cell:"


@dataclasses.dataclass(frozen=True, kw_only=True)
class MissingValues:
    """The spellings of "missing": two values in requests, and texts in files."""

    number: int  # for int64 and float32 features
    string: str  # for string features
    cells: frozenset[str] = frozenset()  # in files, without surrounding blanks

    @classmethod
    def from_schema(cls, schema: schema_pb2.Schema) -> Self:
        """Read the spellings from the contract.

        Args:
            schema: the contract.

        Returns:
            The spellings.

        Raises:
            ValueError: A tag is absent or appears twice, or its number is not exact as int64 and as float32.
        """
        written = _the_tag(schema, _NUMBER_TAG)
        try:
            number = int(written)
            exact = -(2**63) <= number < 2**63 and in_float32(number) == number
        except (ValueError, OverflowError):
            exact = False
        if not exact:
            raise ValueError(
                f"the contract's tag {_NUMBER_TAG}{written} is not a whole number that is exact in int64 and float32: "
                f"expected a power of two such as {-(2**53)}; change the tag."
            )
        return cls(number=number, string=_the_tag(schema, _STRING_TAG), cells=missing_cells(schema))

    def is_spelled_by(self, value: object) -> bool:
        """Return whether a request's value means "missing" there or in files, such as a blank string."""
        if isinstance(value, str):
            return value == self.string or not value.strip() or value.strip() in self.cells
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and (value == self.number or value in self._numbers)

    @functools.cached_property
    def _numbers(self) -> frozenset[float]:
        found = set()
        for cell in self.cells:
            with contextlib.suppress(ValueError):  # a word, not a number
                found.add(float(cell))
        return frozenset(found)


def missing_cells(schema: schema_pb2.Schema) -> frozenset[str]:
    """Return a file's spellings of "missing" other than the empty cell, without surrounding blanks."""
    tags = (tag for tag in schema.annotation.tag if tag.startswith(MISSING_CELL_TAG))
    return frozenset(tag.removeprefix(MISSING_CELL_TAG).strip() for tag in tags)


def in_float32(number: float) -> float:
    """Return the float32 nearest to the number, which is what the model sees.

    Args:
        number: any number.

    Returns:
        The nearest float32.

    Raises:
        OverflowError: The number is finite, and its nearest float32 is not.

    Example:
        >>> in_float32(41.63)
        41.630001068115234
    """
    return float(struct.unpack("<f", struct.pack("<f", number))[0])


def shortest_in_float32(number: float) -> float:
    """Return the number with the fewest digits that has the same nearest float32.

    Args:
        number: any number.

    Returns:
        The number; `number` itself if it is too large for float32.

    Example:
        >>> shortest_in_float32(41.630001068115234)
        41.63
    """
    try:
        nearest = in_float32(number)
        # Six digits or fewer survive float32, and nine identify one.
        shortened = (float(f"{nearest:.{digits}g}") for digits in range(6, 10))
        return next(short for short in shortened if in_float32(short) == nearest)
    except OverflowError:
        return number


def _the_tag(schema: schema_pb2.Schema, prefix: str) -> str:
    found = [tag.removeprefix(prefix) for tag in schema.annotation.tag if tag.startswith(prefix)]
    if len(found) != 1:
        raise ValueError(
            f"the contract must define how serving_raw receives a missing value: expected one schema-level tag "
            f"'{prefix}VALUE', received {len(found)}; add e.g. annotation {{ tag: \"{_NUMBER_TAG}{-(2**53)}\" "
            f'tag: "{_STRING_TAG}" }} to the schema.'
        )
    return found[0]
