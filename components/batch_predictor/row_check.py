"""Check rows of files against the contract before prediction, and refuse those that the gateway would refuse.

Cells are converted to values as ExampleGen converts them. A value is allowed if the gateway allows it
(`serving.contract.Feature.accepts`). Each row with faults is refused on its own, with all its faults.
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
from components.batch_predictor.part_check import fill_and_check_parts
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
    """A fault of a row."""

    line: int  # line of the file; for Parquet, number of the row
    column: str  # empty if the fault is not in one column
    cell: str  # text of the cell
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckedRows:
    """The result of the check of some rows of a file."""

    accepted: np.ndarray  # bool [rows]
    columns: Mapping[str, pa.Array]  # accepted rows' values by feature, as of `convert_array`; null if missing
    refusals: list[Refusal]  # sorted by row


class RowCheck:
    """Checks rows of files with a given header.

    Attributes:
        contract: the contract of a row.
        absent: features without a column in the files, which are missing in every row. Parts of a time are not among
            them if the files have the column of the time.
    """

    def __init__(self, contract: Contract, rules: ReadingRules, header: Sequence[str], file: str) -> None:
        """Check the header against the contract.

        Args:
            contract: the contract of a row.
            rules: how cells are read.
            header: names of the files' columns.
            file: one of the files, for messages.

        Raises:
            SourceError: A column's name differs from the contract's only in case or spaces.
            BatchPredictionError: There is no column for a feature that every row must have.
        """
        self.contract = contract
        self._rules = rules
        self._places = {name: place for place, name in enumerate(header)}
        check_header(file, header, [feature.name for feature in contract.features])
        computed = {part.name for part, _ in contract.time_parts if part.source in self._places}
        self.absent = tuple(
            feature.name
            for feature in contract.features
            if feature.name not in self._places and feature.name not in computed
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
        """Return the check with the contract in a SavedModel.

        Args:
            model: folder of the SavedModel.
            header: names of the files' columns.
            file: one of the files, for messages.

        Raises:
            ContractError: The contract cannot be used.
            SourceError: The contract cannot be used to read files, or the header does not match it.
            BatchPredictionError: There is no column for a feature that every row must have.
        """
        path = model / "assets.extra" / "schema.pbtxt"
        contract = contracts.read(path)
        schema = text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema())
        return cls(contract, ReadingRules.from_schema(schema), header, file)

    def check(self, lines: np.ndarray, cells: Sequence[pa.Array]) -> CheckedRows:
        """Check rows.

        Args:
            lines: line of each row, int64 [rows].
            cells: for each column of the header its cells, [rows], as `convert_array` takes them.

        Returns:
            The values of the accepted rows, and the faults of the others.
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
        for fault in fill_and_check_parts(self.contract, columns, accepted, self._are_allowed):
            refusals.append(Refusal(int(lines[fault.place]), fault.column, fault.cell, fault.reason))
        if not accepted.all():
            chosen = pa.array(accepted)
            columns = {name: values.filter(chosen) for name, values in columns.items()}
        return CheckedRows(
            accepted=accepted, columns=columns, refusals=sorted(refusals, key=lambda refusal: refusal.line)
        )

    def _convert(self, feature: Feature, written: pa.Array) -> tuple[pa.Array, np.ndarray]:
        """Return the values, and bool [rows]: which cells cannot be converted; their values are null."""
        kind, format_ = CellKind[feature.kind.name], self._rules.formats.get(feature.name)
        values = convert_array(written, kind, self._rules.missing, format_)
        if values is not None:
            return values, np.zeros(len(written), bool)

        def is_convertible(text: str) -> bool:
            try:
                convert([text], kind, self._rules.missing, format_)
            except CellError:
                return False
            return True

        encoded = written.dictionary_encode()
        wrong = ~_for_each_row(encoded, [is_convertible(text) for text in as_texts(encoded.dictionary)])
        blanked = pc.if_else(pa.array(wrong), pa.scalar(None, written.type), written)
        return convert_array(blanked, kind, self._rules.missing, format_), wrong

    def _are_allowed(self, feature: Feature, values: pa.Array) -> np.ndarray:
        """Return bool [rows]: which values the contract allows; true for missing ones, which the caller checks."""
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
        """Return bool [rows]: which numbers, int64 or float64, `Feature.accepts` certainly accepts.

        It is fast for many numbers. The caller must check the others one by one.
        """
        if feature.kind is Kind.INT:
            least = _INT64.min if feature.low is None else int(feature.low)
            greatest = _INT64.max if feature.high is None else int(feature.high)
            inside = (numbers >= least) & (numbers <= greatest)
        else:
            seen = numbers.astype(np.float32)  # the model gets float32
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
    """Return for each row the value of its entry of the dictionary, bool [rows]; true for null."""
    found = np.array([*of_each, True])
    rows: np.ndarray = found[encoded.indices.fill_null(len(of_each)).to_numpy()]
    return rows
