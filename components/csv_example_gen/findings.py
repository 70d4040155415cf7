"""Collect the results of the check of a source: row counts, types, parts, float32 errors, and hashes of rows."""

from collections.abc import Sequence

import numpy as np

from components.csv_example_gen.column_arrays import infer_array
from components.csv_example_gen.csv_values import CellKind
from components.csv_example_gen.file_parts import FilePart
from components.csv_example_gen.float_precision import Float32Precision
from components.csv_example_gen.reading_rules import ReadingRules
from components.csv_example_gen.row_copies import hash_rows
from components.csv_example_gen.typed_blocks import TypedBlock


class Findings:
    """The results of a check, collected block by block."""

    def __init__(self, header: Sequence[str], rules: ReadingRules, *, hashes: bool) -> None:
        """Start with no rows.

        Args:
            header: names of the columns.
            rules: the contract's rules.
            hashes: whether to collect the rows' hashes, for which all columns need a type in the contract.
        """
        self.typed = {name: rules.kinds.get(name) for name in header}
        self.kinds = {name: kind or CellKind.EMPTY for name, kind in self.typed.items()}
        self.precisions = {name: Float32Precision() for name in header if self.typed[name] is CellKind.FLOAT}
        self.parts: list[tuple[FilePart, int]] = []
        self.hashes: list[np.ndarray] | None = [] if hashes else None
        self.rows = 0
        self._rules = rules

    def add(self, block: TypedBlock) -> None:
        """Add the next block."""
        self.rows += block.rows
        self.parts.append((block.part, block.rows))
        for name, column in zip(self.typed, block.columns, strict=True):
            if self.typed[name] is None:
                written = self._rules.formats.get(name)
                self.kinds[name] = infer_array(column, self.kinds[name], self._rules.missing, written)
            if name in self.precisions:
                self.precisions[name].add(column.unique().to_numpy(zero_copy_only=False))
        if self.hashes is not None:
            self.hashes.append(hash_rows(self.kinds, block.columns))
