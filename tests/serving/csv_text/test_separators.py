"""What separates the cells of a file."""

from pathlib import Path

import pytest

from components.csv_example_gen.csv_lines import read_csv_records
from components.csv_example_gen.file_contents import SourceError
from serving.csv_text.separators import find_named_separator, find_separator


@pytest.mark.parametrize(
    ("lines", "separator"),
    [
        (["a,b", "1,2"], ","),
        (["a;b", "1;2"], ";"),
        (["a\tb", "1\t2"], "\t"),
        (["a|b", "1|2"], "|"),
        (["age (years, full);income;city", "26;1693,66;Lyon", "49;2393,25;Graz"], ";"),
        (["tags,n", "red|grey,4", "red|blue,1"], ","),
        (["note,n", "a; b; c,4", "d;e,1"], ","),
        (['"a;x",b', '"1;2",2'], ","),
        (['a;"b, c"', '1;"2, 3"'], ";"),
        (['"a";"b"', '"1";"2,5"'], ";"),
        (["size;n", '5" pipe;1', '7" pipe;2'], ";"),
        (["a,b", "", "1,2"], ","),
        (["note", "a;b", "c"], ","),
        (["a;b", "1;2;3"], ";"),
        (["a,b", "1,2,3", "1"], ","),
        (["a,b", '1,"2'], ","),
        (["a;b", '1;"2'], ";"),
        (['"a","b"x', "1,2"], ","),
        (["Price, net;Qty", "1,50;3", "2,75;4"], ";"),
        (["Ort, PLZ;Preis", "Bonn;1,50"], ";"),
        (["Price, net\tQty", "1,50\t3"], "\t"),
        (["Preis;Ort,PLZ", "1;Bonn,2"], ";"),
        (["note; long,n", "a;1,2"], ","),
        (["a; b,c; d", "1;2,3;4"], ";"),
        (["a, b", "1, 2"], ","),
        (["a"], ","),
        ([], ","),
    ],
)
def test_the_separator_by_which_all_lines_are_even(lines: list[str], separator: str) -> None:
    assert find_separator([f"{line}\n" for line in lines], whole=True) == separator


def test_several_that_fit_are_refused_with_both_readings(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a|b;c\n1|2;3\n")
    with pytest.raises(
        SourceError,
        match=r"rows\.csv: expected one separator .*, received 2, by which the headings are \['a\|b', 'c'\] "
        r"\(';'\) and \['a', 'b;c'\] \('\|'\)\. Name the right one in a first line, such as sep=;$",
    ):
        list(read_csv_records(str(tmp_path / "rows.csv")))


def test_a_refusal_names_no_more_headings_than_one_can_read() -> None:
    with pytest.raises(ValueError, match="expected one separator") as refused:
        find_separator([";|" * 1000] * 2, whole=True)
    assert len(str(refused.value)) < 1000


def test_a_sample_may_end_within_quotes() -> None:
    lines = ['a;"b"\n', '1;"2,5\n']
    assert find_separator(lines, whole=False) == ";"


@pytest.mark.parametrize(
    ("line", "separator"),
    [
        ("sep=;\r\n", ";"),
        ("SEP=,\n", ","),
        ('"sep=\t"\n', "\t"),
        ("sep=||\n", None),
        ("sep=a,b\n", None),
        ("a;b\n", None),
    ],
)
def test_a_first_line_names_the_separator(line: str, separator: str | None) -> None:
    assert find_named_separator(line) == separator


@pytest.mark.parametrize("line", ["sep=\n", "sep=\r\n", 'sep="\n', '"sep="\n', "sep=a\r\n"])
def test_a_first_line_that_names_no_separator_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "rows.csv").write_bytes(f"{line}a;b\n1;2\n".encode())
    with pytest.raises(SourceError, match=r"rows\.csv: expected a first line that names the separator, .*received '"):
        list(read_csv_records(str(tmp_path / "rows.csv")))
