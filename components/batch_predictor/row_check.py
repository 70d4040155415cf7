"""Holds rows against the contract before a model sees them: what a request of the same values would be refused for.

Which cells hold a value, and which, is decided as ExampleGen decides it; which values are allowed, as the gateway does
(`serving.contract.Feature.accepts`). A row with a fault is refused by itself, with every fault that it has.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.batch_predictor.errors import BatchPredictionError
from components.batch_predictor.part_check import hold_parts
from components.csv_example_gen.column_arrays import as_texts, convert_array
from components.csv_example_gen.csv_values import CellError, CellKind, convert, is_number
from components.csv_example_gen.reading_rules import ReadingRules, check_header
from serving import contract as contracts
from serving.contract import Contract, Feature, Kind
from serving.csv_text.cells import FLOAT32_MAX
from serving.did_you_mean import closest

_INT64 = np.iinfo(np.int64)


@dataclasses.dataclass(frozen=True)
class Refusal:
    """One fault of one row."""

    line: int  # of the file; of Parquet, the number of the row
    column: str  # empty where the row as a whole is at fault
    cell: str  # as it is written
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckedRows:
    """Some rows of a file after the check."""

    accepted: np.ndarray  # bool [rows]
    columns: Mapping[str, pa.Array]  # by feature, those accepted; null for a missing value, as `convert_array` gives it
    refusals: list[Refusal]  # in the order of the rows


class RowCheck:
    """The check of rows whose columns are known.

    Attributes:
        contract: what a row has to look like.
        absent: features that the files have no column for: they are missing in every row. A part of a time that is
            there is none of them.
    """

    def __init__(self, contract: Contract, rules: ReadingRules, header: Sequence[str], file: str) -> None:
        """Hold the header against the contract.

        Args:
            contract: what a row has to look like.
            rules: how cells are read.
            header: of the files.
            file: one of them, for messages.

        Raises:
            SourceError: A column differs from the contract's name in nothing but case or spaces.
            BatchPredictionError: There is no column for a feature that every row must have.
        """
        self.contract = contract
        self._rules = rules
        self._places = {name: place for place, name in enumerate(header)}
        check_header(file, header, [feature.name for feature in contract.features])
        told = {part.name for part, _ in contract.time_parts if part.source in self._places}
        self.absent = tuple(
            feature.name
            for feature in contract.features
            if feature.name not in self._places and feature.name not in told
        )
        for feature in contract.features:
            if feature.required and feature.name in self.absent:
                close = closest(feature.name, header)
                meant = f"; did you mean {close!r}?" if close else ""
                raise BatchPredictionError(
                    f"{file}: no column {feature.name!r}, which the model requires in every row: expected one, "
                    f"received {', '.join(header)}{meant}"
                )
        spelled = [contract.missing.number, *(float(cell) for cell in contract.missing.cells if is_number(cell))]
        self._spelled = np.array(spelled, np.float64)

    @classmethod
    def of_model(cls, model: Path, header: Sequence[str], file: str) -> Self:
        """Make the check of the contract that travels with a model.

        Raises:
            ContractError, SourceError: The contract cannot be used.
        """
        path = model / "assets.extra" / "schema.pbtxt"
        contract = contracts.read(path)
        schema = text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema())
        return cls(contract, ReadingRules.from_schema(schema), header, file)

    def check(self, lines: np.ndarray, cells: Sequence[pa.Array]) -> CheckedRows:
        """Check rows.

        Args:
            lines: int64 [rows], for the refusals.
            cells: by column of the header, [rows] each, as `convert_array` takes them.
        """
        accepted = np.ones(len(lines), bool)
        columns, refusals = {}, []
        for feature in self.contract.features:
            if feature.name not in self._places:
                columns[feature.name] = pa.nulls(len(lines))
                continue
            written = cells[self._places[feature.name]]
            values, wrong = self._convert(feature, written)
            wrong |= ~self._are_allowed(feature, values)
            if feature.asked:
                wrong |= values.is_null().to_numpy(zero_copy_only=False)
            if wrong.any():
                refusals.extend(self._refuse(feature, lines, written, np.flatnonzero(wrong)))
                accepted &= ~wrong
            columns[feature.name] = values
        for fault in hold_parts(self.contract, columns, accepted, self._are_allowed):
            refusals.append(Refusal(int(lines[fault.place]), fault.column, fault.cell, fault.reason))
        if not accepted.all():
            chosen = pa.array(accepted)
            columns = {name: values.filter(chosen) for name, values in columns.items()}
        return CheckedRows(
            accepted=accepted, columns=columns, refusals=sorted(refusals, key=lambda refusal: refusal.line)
        )

    def _convert(self, feature: Feature, written: pa.Array) -> tuple[pa.Array, np.ndarray]:
        """Return the values, and bool [rows]: which cells hold something else; those are null."""
        kind, format_ = CellKind[feature.kind.name], self._rules.formats.get(feature.name)
        values = convert_array(written, kind, self._rules.missing, format_)
        if values is not None:
            return values, np.zeros(len(written), bool)

        def holds(text: str) -> bool:
            try:
                convert([text], kind, self._rules.missing, format_)
            except CellError:
                return False
            return True

        encoded = written.dictionary_encode()
        wrong = ~_for_each_row(encoded, [holds(text) for text in as_texts(encoded.dictionary)])
        blanked = pc.if_else(pa.array(wrong), pa.scalar(None, written.type), written)
        return convert_array(blanked, kind, self._rules.missing, format_), wrong

    def _are_allowed(self, feature: Feature, values: pa.Array) -> np.ndarray:
        """Return bool [rows]: which values the contract allows; a missing one is for the caller to judge."""
        if feature.kind is Kind.BYTES or feature.written:
            encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
            return _for_each_row(encoded, [self._accepts(feature, value) for value in encoded.dictionary.to_pylist()])
        numbers = values.fill_null(0).to_numpy()
        allowed = self._are_surely_allowed(feature, numbers)
        allowed |= values.is_null().to_numpy(zero_copy_only=False)
        for place in np.flatnonzero(~allowed):
            allowed[place] = self._accepts(feature, numbers[place].item())
        return allowed

    def _are_surely_allowed(self, feature: Feature, numbers: np.ndarray) -> np.ndarray:
        """Do at once for most numbers, int64 or float64 [rows], what `Feature.accepts` does for one."""
        if feature.kind is Kind.INT:
            least = _INT64.min if feature.low is None else int(feature.low)
            greatest = _INT64.max if feature.high is None else int(feature.high)
            inside = (numbers >= least) & (numbers <= greatest)
        else:
            seen = numbers.astype(np.float32)  # what the model sees of them
            low = np.float32(-FLOAT32_MAX if feature.low is None else feature.low)
            high = np.float32(FLOAT32_MAX if feature.high is None else feature.high)
            inside = (seen >= low) & (seen <= high) & ~np.isin(seen.astype(np.float64), self._spelled)
        return inside & ~np.isin(numbers.astype(np.float64), self._spelled)

    def _accepts(self, feature: Feature, value: bytes | int | float) -> bool:
        return feature.accepts(value.decode() if isinstance(value, bytes) else value, self.contract.missing)

    def _refuse(self, feature: Feature, lines: np.ndarray, written: pa.Array, places: np.ndarray) -> list[Refusal]:
        texts = as_texts(written.take(pa.array(places)))
        return [
            Refusal(
                line=int(line),
                column=feature.name,
                cell=text,
                reason=f"expected {feature.expectation}{'' if feature.asked else ', or nothing'}",
            )
            for line, text in zip(lines[places], texts, strict=True)
        ]


def _for_each_row(encoded: pa.DictionaryArray, of_each: Sequence[bool]) -> np.ndarray:
    """Return bool [rows] from what holds for each entry of the dictionary; true for null."""
    found = np.array([*of_each, True])
    rows: np.ndarray = found[encoded.indices.fill_null(len(of_each)).to_numpy()]
    return rows
