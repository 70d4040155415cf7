"""What a new task makes of cells as people write them."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from components.csv_example_gen.csv_files import CellKind, SourceError
from pipelines.scaffold.cells import explain_near_numbers, find_rules
from pipelines.scaffold.column_cells import Cells
from pipelines.scaffold.errors import ScaffoldError
from pipelines.scaffold.next_steps import describe_formats, describe_missing
from pipelines.scaffold.source import read_source
from serving.csv_text.number_formats import NumberFormat

NUMBERS = [f"{number * 1.25:.2f}" for number in range(499)]
WHOLE = [str(number) for number in range(499)]


def column(cells: Sequence[str], heading: str = "x") -> Cells:
    return Cells(file="rows.csv", heading=heading, texts=cells, lines=range(2, len(cells) + 2))


@pytest.mark.parametrize(
    "spelling", ["", " ", "nan", "NaN", "N/A", " NA", "null", "NULL", "None", "-", "?", "#N/A", "<NA>", "\\N"]
)
def test_a_usual_spelling_of_missing_is_missing(spelling: str) -> None:
    rules = find_rules([column([*NUMBERS, spelling])])
    assert rules.kinds == {"x": CellKind.FLOAT}
    assert rules.missing == ({spelling.strip()} if spelling.strip() else set())


@pytest.mark.parametrize("cell", ["$12", "12%", "3,5", "1,234.50", "n.a.", "12 km", "unknown", "1.2.3", "1_000", "inf"])
def test_one_cell_that_is_no_number_is_named(cell: str) -> None:
    cells = [f"{number + 1000}.00" for number in range(499)]
    cells.insert(100, cell)
    with pytest.raises(ScaffoldError) as caught:
        find_rules([column(cells)])
    assert str(caught.value) == (
        f"rows.csv, line 102, column `x`, {cell!r}: expected a number, such as '1000.00', as in 499 of 500 cells of "
        "this column. Correct the cell, or leave it empty if the value is missing. If the column is text, say "
        "so: TEXT=x with make, --text x without."
    )


def test_the_remedy_can_be_pasted() -> None:
    with pytest.raises(ScaffoldError) as caught:
        find_rules([column([*WHOLE, "N7"], heading := f"it's the {'very ' * 20}long $heading")])
    options = shlex.split(str(caught.value).split("say so: ")[1].rstrip("."))
    assert options == [f"TEXT={heading}", "with", "make,", "--text", heading, "without"]


def test_a_column_that_somebody_calls_text_is_text() -> None:
    assert find_rules([column([*WHOLE, "N7"])], text=["x"]).kinds == {"x": CellKind.BYTES}
    assert find_rules([column(WHOLE)], text=["x"]).kinds == {"x": CellKind.BYTES}


def test_from_19_numbers_in_20_on_the_rest_are_mistakes() -> None:
    with pytest.raises(
        ScaffoldError, match=r"line 97, column `x`, 'a': .* in 95 of 100 cells of this column; 4 more are"
    ):
        find_rules([column([*WHOLE[:95], *"abcde"])])
    assert find_rules([column([*WHOLE[:94], *"abcdef"])]).kinds == {"x": CellKind.BYTES}


@pytest.mark.parametrize("padded", ["007", "0123"])
def test_one_number_with_a_leading_zero_is_a_mistake(padded: str) -> None:
    with pytest.raises(
        ScaffoldError, match=rf"line 102, column `x`, '{padded}': expected a number, such as '0', as in"
    ):
        find_rules([column([*WHOLE[:100], padded, *WHOLE[100:]])])


def test_what_keeps_texts_from_being_numbers_is_named() -> None:
    texts = pd.Series([*WHOLE[:94], *["unknown"] * 6])
    assert explain_near_numbers(texts) == (
        "94 of 100 values are numbers, and 'unknown' in row 95 is not; leave such cells empty if they mean that the "
        "value is missing"
    )
    assert explain_near_numbers(texts[20:]).startswith("74 of 80 values are numbers, and 'unknown' in row 95 is not")
    assert explain_near_numbers(texts[75:]) == ""


READ = {
    "thousands": (["1,234.50", "999.00", "12,345,678.90"], NumberFormat(thousands=","), CellKind.FLOAT),
    "Indian": (["12,34,567", "1,23,456.50", "999"], NumberFormat(thousands="lakh"), CellKind.FLOAT),
    "whole thousands": (["464,000", "186,000", "533,000"], NumberFormat(thousands=","), CellKind.INT),
    "German": (["1.234,5", "0,1", "7"], NumberFormat(thousands=".", decimal=","), CellKind.FLOAT),
    "millions with points": (["1.234.567", "9.000.000"], NumberFormat(thousands=".", decimal=","), CellKind.INT),
    "decimal commas": (["1693,66", "2393,25", "3085,5"], NumberFormat(decimal=","), CellKind.FLOAT),
    "decimal commas below one": (["0,123", "1,234"], NumberFormat(decimal=","), CellKind.FLOAT),
    "French": (["1 234,5", "12\u00a0345,0", "7,25"], NumberFormat(thousands="space", decimal=","), CellKind.FLOAT),
    "Swiss": (["1'234", "12'345", "7"], NumberFormat(thousands="'"), CellKind.INT),
    "dollars": (["$11.11", "$29.36"], NumberFormat(sign="$"), CellKind.FLOAT),
    "dollars with thousands": (["-$1,234", "$7"], NumberFormat(thousands=",", sign="$"), CellKind.INT),
    "euros": (["1.234,50 €", "7,00 €"], NumberFormat(thousands=".", decimal=",", sign="€"), CellKind.FLOAT),
    "currency by code": (["USD 12", "USD 13.5"], NumberFormat(sign="USD"), CellKind.FLOAT),
    "percent": (["39.6%", "99%"], NumberFormat(sign="%"), CellKind.FLOAT),
}


@pytest.mark.parametrize(("cells", "written", "kind"), READ.values(), ids=READ.keys())
def test_a_column_that_is_all_written_alike_is_read(cells: list[str], written: NumberFormat, kind: CellKind) -> None:
    rules = find_rules([column([*cells, "", "N/A"])])
    assert rules.formats == {"x": written}
    assert rules.kinds == {"x": kind}


TEXT = {
    "words": ["Lyon", "Graz", "Oslo"],
    "zip codes": ["02134", "94103", "06511"],
    "a zip code with zeros, of one length": [*(str(10_000 + number) for number in range(499)), "00501"],
    "codes, one in a hundred with a zero": [*WHOLE, *(f"0{number}" for number in range(6))],
    "telephones": ["612 345 678", "722 118 905"],
    "dates": ["2024-04-12", "2024-04-13"],
    "European dates": ["12.04.2024", "13.04.2024"],
    "times": ["12:30", "04:00"],
    "addresses of networks": ["192.168.100.1", "10.0.0.7"],
    "units": ["12 km", "5 km"],
    "two currencies": ["$12", "€13"],
    "ranges": ["1-2", "3-4"],
}


@pytest.mark.parametrize("cells", TEXT.values(), ids=TEXT.keys())
def test_text_stays_text(cells: list[str]) -> None:
    rules = find_rules([column(cells)])
    assert rules.formats == {}
    assert rules.kinds == {"x": CellKind.BYTES}


@pytest.mark.parametrize(
    ("cells", "others", "message"),
    [
        (["1,234", "5,678"], ["3,5", "12,25"], r"'1,234': can be 1234 or 1\.234\. .* column `y` has another"),
        (["1.234", "5.678"], ["3,5", "12,25"], r"'1\.234': can be 1\.234 or 1234\. .* column `y` has another"),
        ([*WHOLE[:9], "3,5"], ["3.5", "12.25"], r"line 11, column `x`, '3,5': can be 3\.5 or no number\."),
    ],
)
def test_what_two_readings_fit_is_refused_with_both(cells: list[str], others: list[str], message: str) -> None:
    with pytest.raises(ScaffoldError, match=message):
        find_rules([column(cells), column(others, "y")])


def test_columns_that_speak_for_themselves_may_differ() -> None:
    rules = find_rules([column(["1693,66", "2393,25"]), column(["3.5", "12.25"], "y"), column(["1.5", "2.0"], "z")])
    assert rules.formats == {"x": NumberFormat(decimal=",")}
    assert set(rules.kinds.values()) == {CellKind.FLOAT}


def written(tmp_path: Path, frame: pd.DataFrame, separator: str = ",") -> Path:
    frame.to_csv(tmp_path / "rows.csv", index=False, sep=separator)
    return tmp_path / "rows.csv"


def test_the_values_that_the_task_gets_and_what_is_said_of_them(tmp_path: Path) -> None:
    frame = pd.DataFrame({"price ": [f"{n}.000,50 €" for n in range(1, 101)], "share": ["12,5%", *["7%"] * 98, "-"]})
    source = read_source(written(tmp_path, frame, ";"))
    assert source.table["price"].tolist() == [1000.5 + 1000 * n for n in range(100)]
    assert source.table["share"].iloc[:2].tolist() == [12.5, 7.0]
    assert source.table["share"].isna().sum() == 1
    assert describe_missing(source) == ["share: '-' in 1 row"]
    assert describe_formats(source) == ["price: '1.000,50 €' is 1000.50", "share: '12,5%' is 12.5"]


def test_what_float32_would_merge_is_refused_here_too(tmp_path: Path) -> None:
    frame = pd.DataFrame({"at": [1_700_000_000 + n / 4 for n in range(493)], "y": range(493)})
    with pytest.raises(
        SourceError,
        match=r"column `at`: expected numbers that stay different as float32, .* of 493 different values \d+ are",
    ):
        read_source(written(tmp_path, frame))


def test_parquet_is_a_file_of_rows(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"n": range(100), "x": [0.5, None] * 50, "city": ["Graz", "Lyön"] * 50, "b": [True, False] * 50}
    )
    frame.to_parquet(tmp_path / "rows.parquet")
    source = read_source(tmp_path / "rows.parquet")
    assert source.kinds == {
        "n": CellKind.INT, "x": CellKind.FLOAT, "city": CellKind.BYTES, "b": CellKind.BYTES
    }  # fmt: skip
    assert source.table.iloc[2].tolist() == [2, 0.5, "Graz", "True"]
    assert (source.file_name("churn", None), source.file_name("churn", tmp_path)) == ("churn.parquet", "churn.parquet")


def test_an_unknown_text_column(tmp_path: Path) -> None:
    with pytest.raises(ScaffoldError, match="expected a column 'zip' to read as text, received the columns n"):
        read_source(written(tmp_path, pd.DataFrame({"n": range(100)})), text=["zip"])
