"""Cells of a file that is sent are read as training reads them."""

import pytest

from components.csv_example_gen.csv_values import CellError, CellKind, convert
from serving.contract import Feature, Kind
from serving.csv_text.number_formats import NumberFormat
from serving.gateway.csv_file import read_cell

_CELLS = [
    "",
    " ",
    "7",
    " 7 ",
    "+7",
    "-7",
    "7.0",
    "7.5",
    "1e3",
    "1_000",
    "٣",
    "nan",
    "inf",
    "0x1F",
    "007",
    "n/a",
    " n/a ",
    "-999",
    "9223372036854775807",
    "9223372036854775808",
    "1e39",
    "1.234,5",
    "1.234,50 €",
    "(1.234,50 €)",
    "True",
    "−5",
    "abc",
]
_EUROPEAN = NumberFormat(thousands=".", decimal=",")


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("written", [None, _EUROPEAN, NumberFormat(decimal=",", sign="€")])
def test_every_cell_is_what_training_reads(kind: Kind, written: NumberFormat | None) -> None:
    missing = frozenset({"n/a", "-999"})
    feature = Feature(name="x", kind=kind, required=False, number_format=written)
    for cell in _CELLS:
        try:
            (trained,) = convert([cell], CellKind[kind.name], missing, None if kind is Kind.BYTES else written)
        except CellError:
            assert read_cell(cell, feature, missing) == cell  # which the contract refuses
        else:
            expected = trained.decode() if isinstance(trained, bytes) else trained
            assert (read_cell(cell, feature, missing), cell) == (expected, cell)
