"""Read the contract's rules for cells: types, missing cells, and formats of numbers and dates.

Cells that mean "missing", in addition to empty ones, are schema-level tags, one for each spelling::

    annotation { tag: "missing_cell:N/A" tag: "missing_cell:-" }

They hold for every column. Formats of numbers are in serving.csv_text.number_formats, of dates in
serving.contract.dates.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Self

from tensorflow_metadata.proto.v0 import schema_pb2

from components.csv_example_gen.csv_values import CellKind
from components.csv_example_gen.file_contents import SourceError
from serving.contract.dates import find_format
from serving.contract.missing_values import missing_cells
from serving.csv_text.number_formats import NumberFormat

# Spellings of databases, spreadsheets, R, pandas and people; `new-task` adds those that it finds to the contract.
_USUAL = r"nan NaN NAN <NA> NA N/A n/a na #N/A #NA null NULL Null None none NONE nil NIL \N - -- ? ."
USUAL_MISSING_CELLS = frozenset(_USUAL.split())


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReadingRules:
    """The rules by which the cells of a source are read."""

    kinds: Mapping[str, CellKind] = dataclasses.field(default_factory=dict)  # by column; other types are inferred
    missing: frozenset[str] = frozenset()  # cells that mean "missing", without spaces around them
    formats: Mapping[str, NumberFormat] = dataclasses.field(default_factory=dict)  # by column, unless it is plain
    dates: Mapping[str, str] = dataclasses.field(default_factory=dict)  # by column: format of its dates
    required: frozenset[str] = frozenset()  # columns with a value in every row; messages alone depend on it

    @classmethod
    def from_schema(cls, schema: schema_pb2.Schema) -> Self:
        """Return the rules of a contract.

        Raises:
            SourceError: The names of two columns differ only in case or spaces, or a tag cannot be used.
        """
        _check_names([feature.name for feature in schema.feature])
        types = {feature.name: schema_pb2.FeatureType.Name(feature.type) for feature in schema.feature}
        formats, dates = {}, {}
        for feature in schema.feature:
            try:
                written = NumberFormat.from_tags(feature.name, feature.annotation.tag)
                dates[feature.name] = find_format(feature.name, feature.annotation.tag, types[feature.name])
            except ValueError as error:
                raise SourceError(f"the contract: {error}") from None
            if written is not None:
                formats[feature.name] = written
            if written is not None and types[feature.name] not in (CellKind.INT.name, CellKind.FLOAT.name):
                raise SourceError(
                    f"the contract: {feature.name} has the tags {', '.join(written.tags)} and the type "
                    f"{types[feature.name]}. Expected INT or FLOAT, since the tags are for numbers. Remove the tags."
                )
        return cls(
            kinds={name: CellKind[kind] for name, kind in types.items() if kind in CellKind.__members__},
            missing=missing_cells(schema),
            formats=formats,
            dates={name: found for name, found in dates.items() if found},
            required=frozenset(
                feature.name
                for feature in schema.feature
                if feature.presence.min_fraction == 1 or feature.HasField("shape")
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the rules as values for JSON, the same for equal rules."""
        return {
            "types": {name: kind.name for name, kind in self.kinds.items()},
            "missing": sorted(self.missing),
            "formats": {name: dataclasses.asdict(written) for name, written in self.formats.items()},
            "dates": dict(self.dates),
            "required": sorted(self.required),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the rules that `to_json` was called on, from its result."""
        return cls(
            kinds={name: CellKind[kind] for name, kind in values["types"].items()},
            missing=frozenset(values["missing"]),
            formats={name: NumberFormat(**written) for name, written in values["formats"].items()},
            dates=values["dates"],
            required=frozenset(values["required"]),
        )

    def suggest_correction(self, column: str) -> str:
        """Return what to do with a cell that cannot be read; an empty one is only suggested where it is allowed."""
        if column in self.required:
            return "Correct the cell: the contract requires a value in every row."
        return "Correct the cell, or leave it empty to say that the value is missing."


def check_header(file: str, header: Iterable[str], expected: Iterable[str]) -> None:
    """Refuse a header in which a column's name differs from the contract's only in case or spaces.

    Args:
        file: the file, for the message.
        header: names of the file's columns.
        expected: names of the contract's columns.

    Raises:
        SourceError: There are such columns. The message has both spellings of each.
    """
    named = set(header)
    wanted = {_fold(name): name for name in expected if name not in named}
    found = [(name, wanted[_fold(name)]) for name in header if _fold(name) in wanted]
    if found:
        pairs = ", ".join(f"{heading!r} where the contract has {name!r}" for heading, name in found)
        raise SourceError(
            f"{file}: headings that differ from the contract's names only in case or spaces: {pairs}. Rename them in "
            "the file, or in the contract and the task."
        )


def _check_names(names: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(_fold(name), name)
        if other != name:
            raise SourceError(
                f"the contract: the columns {other!r} and {name!r} differ only in case or spaces. Expected names that "
                "people can tell apart. Rename one of them, in the file too."
            )


def _fold(name: str) -> str:
    return name.strip().casefold()
