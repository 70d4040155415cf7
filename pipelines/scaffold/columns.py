"""Profiles each column, and chooses the feature that it becomes."""

import dataclasses
import enum
import math

import pandas as pd

from components.csv_example_gen.csv_files import CellKind
from pipelines.scaffold.errors import ScaffoldError
from pipelines.scaffold.names import make_feature_name
from pipelines.scaffold.question import Question
from pipelines.scaffold.source import Source

MOST_CODES = 20  # a column of more different whole numbers than this is a quantity, not a code
ROWS_PER_CODE = 10  # … and so is one whose numbers occur less often than this, on average
MOST_STRINGS = 0.2  # of the rows; a column of more different texts than this names rows instead of sorting them
LONG_TAIL = 2.0  # skewness from which on a number's square root tells more
EXACT = 2**53  # from here on neighbouring whole numbers look the same to a model


class Encoding(enum.Enum):
    """Which record of features.py a column becomes."""

    SCALED = "Scaled"
    NUMBERED = "Numbered"
    VOCABULARY = "Vocabulary"


_ENDINGS = {Encoding.SCALED: "scaled", Encoding.NUMBERED: "number", Encoding.VOCABULARY: "id"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProfiledColumn:
    """One column of the rows, but for the label.

    Attributes:
        name: in the task.
        heading: in the file that the task was made from.
        kind: type.
        missing: rows without a value.
        distinct: different values.
        least, greatest: of a number's values; None for text, and where there is none.
        encoding: what it becomes; None when it is left out.
        why_not: why it is left out.
        feature: name of what it becomes.
        square_root: whether the root is taken first.
        min_count: rows in which a text has to occur to have an id of its own.
    """

    name: str
    heading: str
    kind: CellKind
    missing: int
    distinct: int
    least: int | float | None
    greatest: int | float | None
    encoding: Encoding | None
    why_not: str = ""
    feature: str = ""
    square_root: bool = False
    min_count: int = 1


def profile_columns(source: Source, question: Question) -> list[ProfiledColumn]:
    """Looks at every column but the label's.

    Raises:
        ScaffoldError: No column can be made a feature of.
    """
    headings = {name: heading for heading, name in source.names.items()}
    taken = {*source.kinds}
    columns = []
    for name in source.kinds:
        if name != question.label:
            columns.append(_profile_column(name, headings[name], source.kinds[name], source.table[name], taken))
            taken.add(columns[-1].feature)
    if not any(column.encoding for column in columns):
        why = "; ".join(f"{column.name}: {column.why_not}" for column in columns) or "there is no column but the label"
        raise ScaffoldError(f"{source.file}: no column to predict from: {why}. Bring rows with columns that tell more.")
    return columns


def _profile_column(name: str, heading: str, kind: CellKind, values: pd.Series, taken: set[str]) -> ProfiledColumn:
    present = values.dropna()
    numbers = kind in (CellKind.INT, CellKind.FLOAT)
    distinct = int(present.nunique())
    encoding, why_not = _choose_encoding(kind, present, distinct)
    python = int if kind is CellKind.INT else float
    return ProfiledColumn(
        name=name,
        heading=heading,
        kind=kind,
        missing=len(values) - len(present),
        distinct=distinct,
        least=python(present.min()) if numbers else None,
        greatest=python(present.max()) if numbers else None,
        encoding=encoding,
        why_not=why_not,
        feature=make_feature_name(name, _ENDINGS[encoding], taken) if encoding else "",
        square_root=encoding is Encoding.SCALED and _is_long_tailed(present),
        min_count=5 if len(values) >= 1000 else 2,
    )


def _choose_encoding(kind: CellKind, present: pd.Series, distinct: int) -> tuple[Encoding | None, str]:
    if distinct < 2:
        return None, "it is the same in every row" if distinct else "it is empty"
    if kind is CellKind.BYTES:
        if distinct > MOST_STRINGS * len(present):
            return (
                None,
                f"{distinct:,} different texts in {len(present):,} rows: it tells rows apart, not kinds of rows",
            )
        return Encoding.VOCABULARY, ""
    if kind is CellKind.INT:
        if max(abs(int(present.min())), abs(int(present.max()))) >= EXACT:
            return None, "its numbers are too long to be quantities: likely names of something"
        span = int(present.max()) - int(present.min()) + 1
        if distinct <= MOST_CODES and distinct * ROWS_PER_CODE <= len(present) and span <= 2 * MOST_CODES:
            return Encoding.NUMBERED, ""
    return Encoding.SCALED, ""


def _is_long_tailed(present: pd.Series) -> bool:
    skewness = float(present.astype("float64").skew())
    return bool(present.min() >= 0) and math.isfinite(skewness) and skewness > LONG_TAIL
