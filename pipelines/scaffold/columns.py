"""Profile each column of a new task's rows, and choose the features that it becomes."""

import dataclasses
import enum
import math
from typing import Any

import pandas as pd

from components.csv_example_gen.csv_files import CellKind
from pipelines.scaffold import dates, leakage, lists, whole_numbers
from pipelines.scaffold.cells import explain_near_numbers
from pipelines.scaffold.errors import ScaffoldError
from pipelines.scaffold.headings import names_a_duration
from pipelines.scaffold.names import make_feature_name, make_plain_name
from pipelines.scaffold.question import Question
from pipelines.scaffold.source import Source

MOST_CODES = 20  # a column of more different whole numbers is a quantity, unless whole_numbers finds codes
MOST_STRINGS = 0.2  # share of the rows; a column of more different texts or codes identifies rows, and is no category
LONG_TAIL = 2.0  # skewness above which a number's square root is the feature
EXACT = 2**53  # beyond it neighbouring whole numbers are the same float64
# First and last number of the parts of a date that are categories.
_CALENDAR = {"weekday": (0, 6), "month": (1, 12), "hour": (0, 23)}


class Encoding(enum.Enum):
    """The class of features.py that a feature is a record of."""

    SCALED = "Scaled"
    NUMBERED = "Numbered"
    VOCABULARY = "Vocabulary"


_ENDINGS = {Encoding.SCALED: "scaled", Encoding.NUMBERED: "number", Encoding.VOCABULARY: "id"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlannedFeature:
    """One record of features.py.

    Attributes:
        name: Name of the transformed feature.
        encoding: Class of the record.
        part: Part of a date, see pipelines.modeling.dates; empty for other columns.
        item: Item of a list; empty for other columns.
        square_root: Whether a `Scaled` feature is of the number's square root.
        first, last: Smallest and largest number of a `Numbered` feature.
        min_count: Rows in which a value of a `Vocabulary` has to occur to have an id of its own.
    """

    name: str
    encoding: Encoding
    part: str = ""
    item: str = ""
    square_root: bool = False
    first: int = 0
    last: int = 0
    min_count: int = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProfiledColumn:
    """One column of the rows that is not the label.

    Attributes:
        name: Name of the column in the task.
        heading: Heading in the file that the task was made from.
        kind: Type; text for codes in whole numbers with large gaps.
        missing: Number of rows without a value.
        distinct: Number of different values.
        least, greatest: Smallest and largest number; None for text and for a column without values.
        features: The features made of it; none if it is left out.
        why_not: Why it is left out; empty otherwise.
        is_code: Whether its numbers are codes: unknown ones are no mistake, and none is too large.
        written: Format of a date, see serving.contract.dates; empty for other columns.
        separator: Separator of the items of a list; empty for other columns.
        suspicion: How well the column alone predicts the label, if it does so (almost) perfectly; empty otherwise.
    """

    name: str
    heading: str
    kind: CellKind
    missing: int
    distinct: int
    least: int | float | None
    greatest: int | float | None
    features: tuple[PlannedFeature, ...] = ()
    why_not: str = ""
    is_code: bool = False
    written: str = ""
    separator: str = ""
    suspicion: str = ""

    @property
    def is_closed(self) -> bool:
        """Whether other rows must have values like these: False for numeric codes, dates, lists and unused columns."""
        number_is_name = self.is_code and self.kind is not CellKind.BYTES
        return bool(self.features) and not (number_is_name or self.written or self.separator)

    @property
    def feature_names(self) -> str:
        """The names of its features, separated by commas."""
        return ", ".join(feature.name for feature in self.features)


def profile_columns(source: Source, question: Question) -> list[ProfiledColumn]:
    """Profile every column except the label's.

    Args:
        source: The rows.
        question: What is predicted.

    Returns:
        One record per column, in the file's order.

    Raises:
        ScaffoldError: No column can become a feature, or one holds dates that can be read in two ways.
    """
    headings = {name: heading for heading, name in source.names.items()}
    taken = {*source.kinds}
    columns = []
    for name, kind in source.kinds.items():
        if name != question.label:
            columns.append(_Profiler(source, name, question, taken).profile(name, headings[name], kind))
            taken.update(feature.name for feature in columns[-1].features)
    if not any(column.features for column in columns):
        why = "; ".join(f"{one.name}: {one.why_not}" for one in columns) or "there is no column except the label"
        raise ScaffoldError(
            f"{source.file}: expected at least one column to predict from, received none: {why}. Add columns that tell "
            "something about the label."
        )
    return columns


class _Profiler:
    """Chooses the features of one column.

    Args:
        source: The rows.
        name: Name of the column.
        question: What is predicted.
        taken: Names that no feature can have.
    """

    def __init__(self, source: Source, name: str, question: Question, taken: set[str]):
        self._source = source
        self._values = source.table[name]
        self._present = self._values.dropna()
        self._distinct = int(self._present.nunique())
        self._labels = source.table[question.label]
        self._question = question
        self._taken = {*taken}
        self._min_count = 5 if len(self._values) >= 1000 else 2

    def profile(self, name: str, heading: str, kind: CellKind) -> ProfiledColumn:
        """Profile the column; raise the errors of recognise_dates."""
        number = {CellKind.INT: int, CellKind.FLOAT: float}.get(kind)
        column = ProfiledColumn(
            name=name,
            heading=heading,
            kind=kind,
            missing=len(self._values) - len(self._present),
            distinct=self._distinct,
            least=number(self._present.min()) if number else None,
            greatest=number(self._present.max()) if number else None,
        )
        if self._distinct < 2:
            return dataclasses.replace(column, why_not=self._explain_constant())
        found = self._as_dates(column)
        if found is None:
            found = self._as_text(column) if kind is CellKind.BYTES else self._as_number(column)
        if found.features and not found.suspicion:
            suspicion = leakage.explain_suspicion(self._values, self._labels, self._question)
            return dataclasses.replace(found, suspicion=suspicion)
        return found

    def _explain_constant(self) -> str:
        if not self._distinct:
            return "it is empty"
        if len(self._present) == len(self._values):
            return "it is the same in every row"
        return f"it has one value only, in {len(self._present):,} of {len(self._values):,} rows"

    def _as_dates(self, column: ProfiledColumn) -> ProfiledColumn | None:
        found = dates.recognise_dates(column.name, column.heading, column.kind, self._present)
        if found is None:
            return None
        if dates.is_time_of_day(found.written) and names_a_duration(column.heading):
            why = f"durations, such as {self._present.iloc[0]!r}; write them as numbers of one unit, as in 0.5"
            return dataclasses.replace(column, why_not=why)
        if not found.parts:
            return dataclasses.replace(column, why_not="dates and times whose parts are the same in every row")
        features = tuple(self._make_part(column.name, part) for part in found.parts)
        trend = found.trend.reindex(self._values.index)
        suspicion = leakage.explain_suspicion(trend, self._labels, self._question)
        return dataclasses.replace(column, features=features, written=found.written, suspicion=suspicion)

    def _make_part(self, name: str, part: str) -> PlannedFeature:
        if part in _CALENDAR:
            first, last = _CALENDAR[part]
            return self._make(name, Encoding.NUMBERED, part, part=part, first=first, last=last)
        return self._make(name, Encoding.SCALED, part, part=part)

    def _as_text(self, column: ProfiledColumn) -> ProfiledColumn:
        near = dates.explain_near_dates(self._present) or lists.explain_brackets(self._present, self._min_count)
        if near:
            return dataclasses.replace(column, why_not=near)
        found = lists.recognise_list(self._present, self._min_count)
        if found and not found.too_many:
            features = tuple(
                self._make(column.name, Encoding.NUMBERED, f"has_{make_plain_name(item)}", item=item, last=1)
                for item in found.items
            )
            return dataclasses.replace(column, features=features, separator=found.separator)
        padded = whole_numbers.find_leading_zero(self._present)
        if self._distinct <= MOST_STRINGS * len(self._present):
            column = dataclasses.replace(column, is_code=bool(padded))
            return self._with(column, Encoding.VOCABULARY, min_count=self._min_count)
        count = f"{self._distinct:,} different texts in {len(self._present):,} rows"
        near = (found.too_many if found else padded) or explain_near_numbers(self._present)
        why = f"{count}: {near}" if near else f"{count}: it identifies rows, and is no category"
        return dataclasses.replace(column, why_not=why)

    def _as_number(self, column: ProfiledColumn) -> ProfiledColumn:
        if not (self._present % 1 == 0).all():
            return self._with(column, Encoding.SCALED, square_root=is_long_tailed(self._present))
        if why_not := whole_numbers.explain_row_number(column.heading, self._values):
            return dataclasses.replace(column, why_not=why_not)
        first, last = int(self._present.min()), int(self._present.max())
        named = whole_numbers.are_named(column.heading, self._present) or max(abs(first), abs(last)) >= EXACT
        few = self._distinct <= MOST_CODES and last - first < 2 * MOST_CODES
        few = few and len(self._present) >= whole_numbers.ROWS_PER_CODE * self._distinct
        alike = not named and not few and not whole_numbers.neighbours_are_unlike(self._present, self._labels)
        if alike:
            return self._with(column, Encoding.SCALED, square_root=is_long_tailed(self._present))
        return self._as_code(dataclasses.replace(column, is_code=not few or named))

    def _as_code(self, column: ProfiledColumn) -> ProfiledColumn:
        """Make a column of whole numbers a category: `Numbered` if they have few gaps, otherwise `Vocabulary`."""
        if self._distinct > MOST_STRINGS * len(self._present):
            count = f"{self._distinct:,} different codes in {len(self._present):,} rows"
            return dataclasses.replace(column, why_not=f"{count}: it identifies rows, and is no category")
        first, last = int(self._present.min()), int(self._present.max())
        if last - first < 2 * max(MOST_CODES, self._distinct):
            return self._with(column, Encoding.NUMBERED, first=first, last=last)
        if column.kind is CellKind.FLOAT:
            # The same code is another text (`7`, not `7.0`) in a file without missing cells, and in a request.
            one = float(self._present.iloc[0])
            why = f"codes written with a fraction, such as {one}, as pandas writes a column with gaps; write {one:.0f}"
            return dataclasses.replace(column, why_not=f'{why}, in pandas by .astype("Int64")')
        if why := self._explain_spellings(column.name):
            return dataclasses.replace(column, why_not=why)
        text = dataclasses.replace(column, kind=CellKind.BYTES, least=None, greatest=None)
        return self._with(text, Encoding.VOCABULARY, min_count=self._min_count)

    def _explain_spellings(self, name: str) -> str:
        """Say which code is written in several ways, and so would be several texts; empty if none is."""
        spellings = self._source.read_as_text(name).groupby(self._values).unique()
        several = spellings[spellings.map(len) > 1]
        if several.empty:
            return ""
        one, other = several.iloc[0][:2]
        return f"codes of which some are written in several ways, such as {one!r} and {other!r}; write each in one way"

    def _with(self, column: ProfiledColumn, encoding: Encoding, **settings: int) -> ProfiledColumn:
        """Make the column one feature."""
        return dataclasses.replace(
            column, features=(self._make(column.name, encoding, _ENDINGS[encoding], **settings),)
        )

    def _make(self, column: str, encoding: Encoding, ending: str, **settings: Any) -> PlannedFeature:
        name = make_feature_name(column, ending, self._taken)
        self._taken.add(name)
        return PlannedFeature(name=name, encoding=encoding, **settings)


def is_long_tailed(present: pd.Series) -> bool:
    """Return whether no number is below 0, and a few are much larger than the others."""
    skewness = float(present.astype("float64").skew())
    return bool(present.min() >= 0) and math.isfinite(skewness) and skewness > LONG_TAIL
