"""Types and values of cells, at their edges."""

import pytest

from components.csv_example_gen.csv_values import CellError, CellKind, convert, infer


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([], CellKind.EMPTY),
        (["", ""], CellKind.EMPTY),
        (["1", "", "-2"], CellKind.INT),
        (["1", "2.0"], CellKind.FLOAT),
        (["1.5", "2"], CellKind.FLOAT),
        (["1e3"], CellKind.FLOAT),
        (["9223372036854775807", "-9223372036854775808"], CellKind.INT),
        (["9223372036854775808"], CellKind.BYTES),
        (["1.5", "9223372036854775808"], CellKind.BYTES),
        (["1", "x", "2"], CellKind.BYTES),
        (["nan"], CellKind.BYTES),
        (["inf"], CellKind.BYTES),
        (["1e39"], CellKind.BYTES),
        (["1_000"], CellKind.BYTES),
        (["٣"], CellKind.BYTES),
        (["02134", "94103"], CellKind.BYTES),
        (["94103", "02134"], CellKind.BYTES),
        (["-007"], CellKind.BYTES),
        (["00"], CellKind.BYTES),
        (["0", "-0", "10"], CellKind.INT),
        (["0.5", "-0.25"], CellKind.FLOAT),
    ],
)
def test_infer(cells: list[str], kind: CellKind) -> None:
    assert infer(cells) is kind


def test_infer_never_narrows() -> None:
    assert infer(["1"], at_least=CellKind.FLOAT) is CellKind.FLOAT
    assert infer(["1"], at_least=CellKind.BYTES) is CellKind.BYTES
    assert infer([""], at_least=CellKind.INT) is CellKind.INT
    assert infer(["1.5"], at_least=CellKind.INT) is CellKind.FLOAT


def test_convert() -> None:
    assert convert(["1", "", " -2", "8.0", "1e3"], CellKind.INT) == [1, None, -2, 8, 1000]
    assert convert(["1", "", "0.1", "-1e-3"], CellKind.FLOAT) == [1.0, None, 0.1, -0.001]
    assert convert(["a", "", "é"], CellKind.BYTES) == [b"a", None, b"\xc3\xa9"]
    assert convert(["", ""], CellKind.EMPTY) == [None, None]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("9007199254740993.0", 2**53 + 1),
        ("-9223372036854775808.00", -(2**63)),
        ("4503599627370497.0", 2**52 + 1),
        ("9.223372036854775807e18", 2**63 - 1),
        ("4503599627370497.5", None),
        ("9007199254740993.5", None),
        ("9223372036854775808.0", None),
        ("1e999999999", None),
        ("1e-999999999", None),
        ("9_0.0", None),
    ],
)
def test_a_whole_number_with_a_fraction_is_exact_or_refused(cell: str, value: int | None) -> None:
    if value is not None:
        assert convert([cell], CellKind.INT) == [value]
        return
    with pytest.raises(CellError):
        convert([cell], CellKind.INT)


@pytest.mark.parametrize("kind", [CellKind.INT, CellKind.FLOAT])
@pytest.mark.parametrize("others", [["5"], ["5", " "], ["5", ""], ["5", "6.0"]])
def test_a_missing_spelling_may_be_a_number(kind: CellKind, others: list[str]) -> None:
    """Whatever else the batch holds: a blank cell is converted by another path."""
    values = convert(["-999", " -999", *others], kind, frozenset({"-999", "N/A"}))
    assert values == [None, None, *(float(cell) if cell.strip() else None for cell in others)]


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("abc", CellKind.INT),
        ("8.5", CellKind.INT),
        ("nan", CellKind.INT),
        ("inf", CellKind.INT),
        ("9223372036854775808", CellKind.INT),
        ("1_000", CellKind.INT),
        ("٣", CellKind.INT),
        ("abc", CellKind.FLOAT),
        ("nan", CellKind.FLOAT),
        ("-inf", CellKind.FLOAT),
        ("1e39", CellKind.FLOAT),
        ("1_0.5", CellKind.FLOAT),
        ("1,5", CellKind.FLOAT),
    ],
)
def test_convert_names_the_first_bad_cell(cell: str, kind: CellKind) -> None:
    with pytest.raises(CellError) as caught:
        convert(["1", "", cell, "2", cell], kind)
    assert (caught.value.position, caught.value.cell) == (2, cell)
