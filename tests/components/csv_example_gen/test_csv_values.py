"""Types and values of cells, at their edges."""

import pytest

from components.csv_example_gen.csv_values import CellError, Kind, convert, infer


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([], Kind.EMPTY),
        (["", ""], Kind.EMPTY),
        (["1", "", "-2"], Kind.INT),
        (["1", "2.0"], Kind.FLOAT),
        (["1.5", "2"], Kind.FLOAT),
        (["1e3"], Kind.FLOAT),
        (["9223372036854775807", "-9223372036854775808"], Kind.INT),
        (["9223372036854775808"], Kind.BYTES),
        (["1.5", "9223372036854775808"], Kind.BYTES),
        (["1", "x", "2"], Kind.BYTES),
        (["nan"], Kind.BYTES),
        (["inf"], Kind.BYTES),
        (["1e39"], Kind.BYTES),
        (["1_000"], Kind.BYTES),
        (["٣"], Kind.BYTES),
    ],
)
def test_infer(cells: list[str], kind: Kind) -> None:
    assert infer(cells) is kind


def test_infer_never_narrows() -> None:
    assert infer(["1"], at_least=Kind.FLOAT) is Kind.FLOAT
    assert infer(["1"], at_least=Kind.BYTES) is Kind.BYTES
    assert infer([""], at_least=Kind.INT) is Kind.INT
    assert infer(["1.5"], at_least=Kind.INT) is Kind.FLOAT


def test_convert() -> None:
    assert convert(["1", "", " -2", "8.0", "1e3"], Kind.INT) == [1, None, -2, 8, 1000]
    assert convert(["1", "", "0.1", "-1e-3"], Kind.FLOAT) == [1.0, None, 0.1, -0.001]
    assert convert(["a", "", "é"], Kind.BYTES) == [b"a", None, b"\xc3\xa9"]
    assert convert(["", ""], Kind.EMPTY) == [None, None]


def test_a_whole_number_with_a_fraction_is_exact_or_refused() -> None:
    assert convert(["9007199254740992.0"], Kind.INT) == [2**53]
    with pytest.raises(CellError):
        convert(["9007199254740994.0"], Kind.INT)


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("abc", Kind.INT),
        ("8.5", Kind.INT),
        ("nan", Kind.INT),
        ("inf", Kind.INT),
        ("9223372036854775808", Kind.INT),
        ("1_000", Kind.INT),
        ("٣", Kind.INT),
        ("abc", Kind.FLOAT),
        ("nan", Kind.FLOAT),
        ("-inf", Kind.FLOAT),
        ("1e39", Kind.FLOAT),
        ("1_0.5", Kind.FLOAT),
        ("1,5", Kind.FLOAT),
    ],
)
def test_convert_names_the_first_bad_cell(cell: str, kind: Kind) -> None:
    with pytest.raises(CellError) as caught:
        convert(["1", "", cell, "2", cell], kind)
    assert (caught.value.position, caught.value.cell) == (2, cell)
