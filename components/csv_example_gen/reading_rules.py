"""What a contract says of the cells of its files: types, which cells are missing, how numbers are written.

Which cells are missing, beside the empty ones, is a list of schema-level tags, one for each spelling::

    annotation { tag: "missing_cell:N/A" tag: "missing_cell:-" }

It holds for every column. `number_formats` says how a column's numbers are written.
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

# Spellings of databases, spreadsheets, R, pandas and people; `new-task` writes those that it finds into the contract.
_USUAL = r"nan NaN NAN <NA> NA N/A n/a na #N/A #NA null NULL Null None none NONE nil NIL \N - -- ? ."
USUAL_MISSING_CELLS = frozenset(_USUAL.split())


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReadingRules:
    """How the cells of a source are read."""

    kinds: Mapping[str, CellKind] = dataclasses.field(default_factory=dict)  # by column; others are inferred
    missing: frozenset[str] = frozenset()  # cells, without spaces around them, that hold no value
    formats: Mapping[str, NumberFormat] = dataclasses.field(default_factory=dict)  # by column, where it is not plain
    dates: Mapping[str, str] = dataclasses.field(default_factory=dict)  # by column: how dates are written

    @classmethod
    def from_schema(cls, schema: schema_pb2.Schema) -> Self:
        """Read the rules from a contract.

        Raises:
            SourceError: Two columns differ only in case; a tag cannot be used.
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
                    f"{types[feature.name]}. Expected INT or FLOAT, since only a number is written so. Remove the tags."
                )
        return cls(
            kinds={name: CellKind[kind] for name, kind in types.items() if kind in CellKind.__members__},
            missing=missing_cells(schema),
            formats=formats,
            dates={name: found for name, found in dates.items() if found},
        )

    def to_json(self) -> dict[str, Any]:
        """Return the rules as plain values, the same for equal rules."""
        return {
            "types": {name: kind.name for name, kind in self.kinds.items()},
            "missing": sorted(self.missing),
            "formats": {name: dataclasses.asdict(written) for name, written in self.formats.items()},
            "dates": dict(self.dates),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Make them of what `to_json` returned."""
        return cls(
            kinds={name: CellKind[kind] for name, kind in values["types"].items()},
            missing=frozenset(values["missing"]),
            formats={name: NumberFormat(**written) for name, written in values["formats"].items()},
            dates=values["dates"],
        )


def check_header(file: str, header: Iterable[str], expected: Iterable[str]) -> None:
    """Raise where a column of the contract is there but for case or spaces: its every finding would be of that.

    Raises:
        SourceError: Names both spellings of each.
    """
    named = set(header)
    wanted = {_fold(name): name for name in expected if name not in named}
    found = [(name, wanted[_fold(name)]) for name in header if _fold(name) in wanted]
    if found:
        pairs = ", ".join(f"{heading!r} where the contract has {name!r}" for heading, name in found)
        raise SourceError(
            f"{file}: headings that differ from the contract's names in nothing but case or spaces: {pairs}. Rename "
            "them in the file, or in the contract and the task."
        )


def _check_names(names: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(_fold(name), name)
        if other != name:
            raise SourceError(
                f"the contract: the columns {other!r} and {name!r} differ in nothing but case or spaces. Expected "
                "names that a person can tell apart. Rename one of them, in the file too."
            )


def _fold(name: str) -> str:
    return name.strip().casefold()
