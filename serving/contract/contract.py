"""The contract of requests: the typed features that a client sends, without TensorFlow.

serving/contract/schema_file.py reads everything here from the contract: type, range, known values, and whether a
feature is required; and for people a description, a label, a unit and an example, as annotations::

    feature {
      name: "fare"
      annotation { comment: "By the meter, without tip" tag: "label:Fare" tag: "unit:USD" tag: "example:7.65" }
      ...
    }
"""

import dataclasses
import enum
import functools
from collections.abc import Mapping, Sequence

from serving.contract import dates
from serving.contract.missing_values import MissingValues, in_float32
from serving.contract.time_parts import TimePart, WallClock
from serving.csv_text.number_formats import NumberFormat

SERVING_ENVIRONMENT = "SERVING"  # of the contract: the columns of requests, which are all but the label

Value = int | float | str
Row = Mapping[str, Value | None]  # feature -> value; None or absent: missing

_INT64 = (-(2**63), 2**63 - 1)
_FLOAT32 = (-3.4028234663852886e38, 3.4028234663852886e38)


class ContractError(ValueError):
    """The contract cannot be read, or a feature of requests is not one plain value."""


class Kind(enum.Enum):
    """The type of a feature; the name is the contract's, the value is the dtype in the model's signature."""

    INT = "int64"
    FLOAT = "float32"
    BYTES = "string"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Feature:
    """One feature of a request."""

    name: str
    kind: Kind
    required: bool  # otherwise it may be left out
    low: int | float | None = None  # smallest and largest number; None if the contract leaves it open, and for strings
    high: int | float | None = None
    known: tuple[str, ...] = ()  # the strings that the contract lists, in its order
    closed: bool = False  # whether only known strings are allowed
    written: str = ""  # format of a date or time, see serving.contract.dates; empty for other columns
    number_format: NumberFormat | None = None  # format of its numbers in files; None: the format of programs
    description: str = ""
    example: Value | None = None
    # all allowed values, in the contract's order; empty if the contract does not list them
    values: tuple[Value, ...] = ()
    enumerated: bool = False  # whether tags list the values one by one, so that numbers in between are not allowed
    label: str = ""  # name for people; empty: made from `name`
    unit: str = ""  # of its numbers, such as USD; empty if there is none
    clock: WallClock | None = None  # the clock of a time column; a request may then send ISO 8601
    part: TimePart | None = None  # the time that it is a part of; a request may then leave it out

    @property
    def asked(self) -> bool:
        """Return whether every request must have it."""
        return self.required and self.part is None

    @property
    def title(self) -> str:
        """Return its name for people."""
        return self.label or self.name.replace("_", " ").capitalize()

    def accepts(self, value: object, missing: MissingValues) -> bool:
        """Return whether the contract allows a value. None and spellings of "missing" are not allowed.

        Args:
            value: of the feature.
            missing: spellings of "missing".

        Returns:
            Whether it is allowed.
        """
        if self.written and dates.parse(str(value), self.written) is None:
            return False
        if self.kind is Kind.BYTES:
            known = not self.closed or value in self.known
            return isinstance(value, str) and not missing.is_spelled_by(value) and known
        if self.enumerated and value not in self.values:
            return False
        if not isinstance(value, int if self.kind is Kind.INT else int | float) or isinstance(value, bool):
            return False
        least, greatest = _INT64 if self.kind is Kind.INT else _FLOAT32
        if not least <= value <= greatest:  # false for NaN
            return False
        # Compare float32: the contract's bounds are float32, and so are the numbers that the model and the statistics
        # see.
        low, seen, high = (
            number if self.kind is Kind.INT else in_float32(number)
            for number in (least if self.low is None else self.low, value, greatest if self.high is None else self.high)
        )
        return low <= seen <= high and seen != missing.number and not missing.is_spelled_by(value)

    @functools.cached_property
    def expectation(self) -> str:
        """Return what a value must be, in words."""
        if self.kind is Kind.BYTES:
            if self.closed:
                return "one of " + ", ".join(f'"{value}"' for value in self.known)
            return dates.describe(self.written) if self.written else "a string that is not blank"
        if self.clock:
            return f"{self._number_expectation}, or {self.clock.expectation}"
        return self._number_expectation

    @property
    def _number_expectation(self) -> str:
        if self.enumerated:
            return "one of " + ", ".join(map(str, self.values))
        noun = "a whole number" if self.kind is Kind.INT else "a number"
        if self.written:
            noun = f"{dates.describe(self.written, as_number=True)}, as {noun},"
        if self.low is not None and self.high is not None:
            return f"{noun} from {self.low:.15g} to {self.high:.15g}"
        if self.low is not None:
            return f"{noun} of at least {self.low:.15g}"
        if self.high is not None:
            return f"{noun} of at most {self.high:.15g}"
        return f"{noun} that {self.kind.value} holds"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contract:
    """The features of a request in the contract's order, and how a missing value is sent to the model."""

    features: tuple[Feature, ...]
    missing: MissingValues
    unsent: frozenset[str] = frozenset()  # columns that no request holds: the label, and columns that are no feature

    @property
    def example(self) -> dict[str, Value]:
        """Return one request made of the features' examples; features without an example are left out."""
        return {feature.name: feature.example for feature in self.features if feature.example is not None}

    @functools.cached_property
    def time_parts(self) -> tuple[tuple[TimePart, WallClock], ...]:
        """Return the columns that are parts of a time, each with that time's clock."""
        by_name = {feature.name: feature for feature in self.features}
        found = ((feature.part, by_name[feature.part.source].clock) for feature in self.features if feature.part)
        return tuple((part, clock) for part, clock in found if clock)

    def inputs(self, rows: Sequence[Row]) -> dict[str, list[Value]]:
        """Convert rows to the columns of serving_raw, with markers for missing values (None or absent)."""
        return {
            name: [spelled if (value := row.get(name)) is None else value for row in rows]
            for name, spelled in self.spelled_missing.items()
        }

    @functools.cached_property
    def spelled_missing(self) -> dict[str, Value]:
        """Return each feature's marker for a missing value, in the contract's order."""
        return {
            feature.name: self.missing.string if feature.kind is Kind.BYTES else self.missing.number
            for feature in self.features
        }
