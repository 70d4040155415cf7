"""Numbers as people write them, and nothing else."""

import re
import time

import pytest

from components.csv_example_gen.csv_values import CellError, CellKind, convert, infer
from serving.csv_text.number_formats import NumberFormat

ENGLISH = NumberFormat(thousands=",")
INDIAN = NumberFormat(thousands="lakh")
GERMAN = NumberFormat(thousands=".", decimal=",")
FRENCH = NumberFormat(thousands="space", decimal=",", sign="€")
SWISS = NumberFormat(thousands="'")
COMMA = NumberFormat(decimal=",")
DOLLARS = NumberFormat(thousands=",", sign="$")
PERCENT = NumberFormat(sign="%")


@pytest.mark.parametrize(
    ("written", "cell", "value"),
    [
        (ENGLISH, "1,234.50", 1234.5),
        (ENGLISH, "999", 999),
        (ENGLISH, "-12,345,678", -12345678),
        (ENGLISH, "0.5", 0.5),
        (INDIAN, "12,34,567.5", 1234567.5),
        (INDIAN, "1,23,45,678", 12345678),
        (INDIAN, "12,345", 12345),
        (INDIAN, "123", 123),
        (GERMAN, "1.234,5", 1234.5),
        (GERMAN, "0,001", 0.001),
        (FRENCH, "1 234,50 €", 1234.5),
        (FRENCH, "1\u202f234\u00a0€", 1234),
        (SWISS, "1'234.5", 1234.5),
        (SWISS, "1’234", 1234),
        (COMMA, "3,5", 3.5),
        (COMMA, " +1693,66 ", 1693.66),
        (DOLLARS, "$1,234.50", 1234.5),
        (DOLLARS, "-$12", -12),
        (DOLLARS, "$-12", -12),
        (DOLLARS, "$ 12", 12),
        (DOLLARS, "($1,234.50)", -1234.5),
        (DOLLARS, " $ -   ", 0),
        (ENGLISH, "\u22121,234", -1234),
        (PERCENT, "12.5%", 12.5),
        (PERCENT, "12 %", 12),
    ],
)
def test_the_number_that_a_cell_writes(written: NumberFormat, cell: str, value: float) -> None:
    assert convert([cell], CellKind.FLOAT, written=written) == [value]
    assert infer([cell], written=written) is (CellKind.FLOAT if isinstance(value, float) else CellKind.INT)


@pytest.mark.parametrize(
    ("written", "cell"),
    [
        (ENGLISH, "1234.50"),  # All of a column are written alike, or somebody else wrote this one.
        (ENGLISH, "1,23"),
        (ENGLISH, "1,2345"),
        (ENGLISH, "0,123"),
        (ENGLISH, "1.234,5"),
        (ENGLISH, ",5"),
        (ENGLISH, "12,34,567"),  # of a column whose other cells have groups of three
        (INDIAN, "123,456"),
        (INDIAN, "1,234,567"),
        (INDIAN, "12,34"),
        (GERMAN, "1.23.456"),
        (FRENCH, "1 23 456 €"),
        (SWISS, "1'23'456"),
        (GERMAN, "1.5"),
        (COMMA, "3.5"),
        (COMMA, "1,2,3"),
        (DOLLARS, "12"),
        (DOLLARS, "$12$"),
        (DOLLARS, "-$-12"),
        (DOLLARS, "--12"),
        (DOLLARS, "€12"),
        (DOLLARS, "(-$12)"),
        (COMMA, "(3,5)"),
        (PERCENT, "0.12"),
        (PERCENT, "%"),
        (SWISS, '1"234'),
        (COMMA, "٣,٥"),
    ],
)
def test_what_is_written_otherwise_is_refused(written: NumberFormat, cell: str) -> None:
    with pytest.raises(CellError) as caught:
        convert(["", cell], CellKind.FLOAT, written=written)
    assert (caught.value.position, caught.value.cell) == (1, cell)
    assert infer([cell], written=written) is CellKind.BYTES


def test_whole_numbers_stay_whole() -> None:
    assert convert(["9,007,199,254,740,993", ""], CellKind.INT, written=ENGLISH) == [2**53 + 1, None]


@pytest.mark.parametrize("written", [ENGLISH, INDIAN, GERMAN, FRENCH, SWISS, COMMA, DOLLARS, PERCENT])
def test_tags_say_it_all(written: NumberFormat) -> None:
    assert NumberFormat.from_tags("price", ["example:1", *written.tags]) == written


def test_no_tag_is_no_format() -> None:
    assert NumberFormat.from_tags("price", ["example:1"]) is None


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (
            ["number_thousands:;"],
            r"price: the contract's tag number_thousands:; must name ',' or 'lakh' or '.' or 'space' or",
        ),
        (["number_decimal:'"], r"price: the contract's tag number_decimal:' must name '.' or ','"),
        (["number_thousands:,", "number_decimal:,"], r"thousands and decimals must differ\. Change the tag\.$"),
        (["number_thousands:lakh", "number_decimal:,"], r"thousands and decimals must differ"),
        (["number_thousands:."], r"thousands and decimals must differ"),
        (["number_sign:$", "number_sign:€"], r"price: expected one tag number_sign:VALUE, received two"),
    ],
)
def test_tags_that_cannot_be(tags: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NumberFormat.from_tags("price", tags)


@pytest.mark.parametrize("cell", [f"({' ' * 2000})", f"-{' ' * 20_000}x", f"(1{' ' * 20_000}x)"])
def test_a_cell_of_many_blanks_takes_no_time(cell: str) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match=re.escape(cell[:9])):
        FRENCH.normalise(cell)
    assert time.process_time() - began < 0.5
