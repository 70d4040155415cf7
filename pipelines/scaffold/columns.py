"""Profiles each column, and chooses the features that it becomes."""

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

MOST_CODES = 20  # a column of more different whole numbers than this is a quantity, unless something tells a code
MOST_STRINGS = 0.2  # of the rows; a column of more different texts or codes names rows instead of sorting them
LONG_TAIL = 2.0  # skewness from which on a number's square root tells more
EXACT = 2**53  # from here on neighbouring whole numbers look the same to a model
# Of the parts of a date that are numbers of a calendar: the first and the last.
_CALENDAR = {"weekday": (0, 6), "month": (1, 12), "hour": (0, 23)}


class Encoding(enum.Enum):
    """Which record of features.py a feature is."""

    SCALED = "Scaled"
    NUMBERED = "Numbered"
    VOCABULARY = "Vocabulary"


_ENDINGS = {Encoding.SCALED: "scaled", Encoding.NUMBERED: "number", Encoding.VOCABULARY: "id"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlannedFeature:
    """One record of features.py.

    Attributes:
        name: of the transformed feature.
        encoding: which record.
        part: of a date; see pipelines.modeling.dates.
        item: of a list.
        square_root: of `Scaled`: whether the root is taken first.
        first, last: of `Numbered`.
        min_count: of `Vocabulary`: rows in which a value has to occur to have an id of its own.
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
    """One column of the rows, but for the label.

    Attributes:
        name: in the task.
        heading: in the file that the task was made from.
        kind: type; text for whole numbers that are names and lie far apart.
        missing: rows without a value.
        distinct: different values.
        least, greatest: of a number's values; None for text, and where there is none.
        features: what it becomes; none when it is left out.
        why_not: why it is left out.
        is_code: whether its numbers are names: new ones may come, and none is too large.
        written: format of a date, see serving.contract.dates; empty for what is none.
        separator: of the items of a list; empty for what is none.
        suspicion: what it tells of the label alone, where that is (almost) everything.
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
        """Whether other rows are to have values such as these: no number that is a name, no date, nothing left out."""
        number_is_name = self.is_code and self.kind is not CellKind.BYTES
        return bool(self.features) and not (number_is_name or self.written or self.separator)

    @property
    def feature_names(self) -> str:
        """The names of its features, in words."""
        return ", ".join(feature.name for feature in self.features)


def profile_columns(source: Source, question: Question) -> list[ProfiledColumn]:
    """Looks at every column but the label's.

    Raises:
        ScaffoldError: No column can be made a feature of, or one holds dates that can be read in two ways.
    """
    headings = {name: heading for heading, name in source.names.items()}
    taken = {*source.kinds}
    columns = []
    for name, kind in source.kinds.items():
        if name != question.label:
            columns.append(_Profiler(source, name, question, taken).profile(name, headings[name], kind))
            taken.update(feature.name for feature in columns[-1].features)
    if not any(column.features for column in columns):
        why = "; ".join(f"{column.name}: {column.why_not}" for column in columns) or "there is no column but the label"
        raise ScaffoldError(f"{source.file}: no column to predict from: {why}. Bring rows with columns that tell more.")
    return columns


class _Profiler:
    """Chooses what one column becomes.

    Args:
        source: the rows.
        name: of the column.
        question: what is predicted.
        taken: names that no feature can have.
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
        """Looks at the column; raises what recognise_dates raises."""
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
            return dataclasses.replace(column, why_not="dates and times in which nothing that a feature takes differs")
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
        why = f"{count}: {near}" if near else f"{count}: it tells rows apart, not kinds of rows"
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
        """The column of whole numbers as a category: numbered where they lie dense, else as the texts that they are."""
        if self._distinct > MOST_STRINGS * len(self._present):
            count = f"{self._distinct:,} different codes in {len(self._present):,} rows"
            return dataclasses.replace(column, why_not=f"{count}: it tells rows apart, not kinds of rows")
        first, last = int(self._present.min()), int(self._present.max())
        if last - first < 2 * max(MOST_CODES, self._distinct):
            return self._with(column, Encoding.NUMBERED, first=first, last=last)
        if column.kind is CellKind.FLOAT:
            # As texts they would be other codes in a file without gaps, or in a request.
            one = float(self._present.iloc[0])
            why = f"codes written with a fraction, such as {one}, as pandas writes a column with gaps; write {one:.0f}"
            return dataclasses.replace(column, why_not=f'{why}, in pandas by .astype("Int64")')
        if why := self._explain_spellings(column.name):
            return dataclasses.replace(column, why_not=why)
        text = dataclasses.replace(column, kind=CellKind.BYTES, least=None, greatest=None)
        return self._with(text, Encoding.VOCABULARY, min_count=self._min_count)

    def _explain_spellings(self, name: str) -> str:
        """Says which code has several spellings, which as texts would be several codes; empty where each has one."""
        spellings = self._source.read_as_text(name).groupby(self._values).unique()
        several = spellings[spellings.map(len) > 1]
        if several.empty:
            return ""
        one, other = several.iloc[0][:2]
        return f"codes of which some are written in several ways, such as {one!r} and {other!r}; write each in one way"

    def _with(self, column: ProfiledColumn, encoding: Encoding, **settings: int) -> ProfiledColumn:
        """The column as one feature."""
        return dataclasses.replace(
            column, features=(self._make(column.name, encoding, _ENDINGS[encoding], **settings),)
        )

    def _make(self, column: str, encoding: Encoding, ending: str, **settings: Any) -> PlannedFeature:
        name = make_feature_name(column, ending, self._taken)
        self._taken.add(name)
        return PlannedFeature(name=name, encoding=encoding, **settings)


def is_long_tailed(present: pd.Series) -> bool:
    """Tell whether a few numbers, none of them below 0, are much larger than the others."""
    skewness = float(present.astype("float64").skew())
    return bool(present.min() >= 0) and math.isfinite(skewness) and skewness > LONG_TAIL
