"""Which files a task can be made from."""

from pathlib import Path

import pytest

from components.csv_example_gen.csv_files import CellKind, SourceError
from pipelines.scaffold.errors import ScaffoldError
from pipelines.scaffold.source import read_source

LINES = [f"{number},{number / 2},text {number % 3}," for number in range(100)]


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "rows.csv").write_text(text)
    return tmp_path / "rows.csv"


def test_types_and_missing_values(tmp_path: Path) -> None:
    source = read_source(written(tmp_path, "\n".join(["a,b,c d,e", *LINES, ",,,"]) + "\n"))
    assert source.kinds == {"a": CellKind.INT, "b": CellKind.FLOAT, "c_d": CellKind.BYTES, "e": CellKind.EMPTY}
    assert source.renamed == {"c d": "c_d"}
    assert source.table.isna().sum().to_dict() == {"a": 1, "b": 1, "c_d": 1, "e": 101}
    assert source.table.iloc[7, :3].tolist() == [7, 3.5, "text 1"]
    assert source.column("c d") == source.column("c_d") == "c_d"


def test_an_unknown_label(tmp_path: Path) -> None:
    source = read_source(written(tmp_path, "\n".join(["a,b,c,e", *LINES]) + "\n"))
    with pytest.raises(ScaffoldError, match=r"expected a column 'd' to predict, received the columns a, b, c, e. Name"):
        source.column("d")


def test_too_few_rows(tmp_path: Path) -> None:
    with pytest.raises(ScaffoldError, match=r"expected 100 rows or more, received 99: .* Add rows.$"):
        read_source(written(tmp_path, "\n".join(["a,b,c,e", *LINES[1:]]) + "\n"))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ScaffoldError, match="expected a CSV or Parquet file, received no such file"):
        read_source(tmp_path / "none.csv")
    with pytest.raises(ScaffoldError, match="expected a CSV or Parquet file, received a folder"):
        read_source(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\r1,2\r", "the lines end in CR alone"),
        ("a,a\n1,2\n", "occurs more than once"),
        ('a,b\n1,"2\n', "a double quote opens a cell and none closes it"),
        ("a,b\n1,2,3\n", "expected 2 cells, as in the header, received 3"),
    ],
)
def test_faults_are_told_as_the_pipeline_tells_them(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read_source(written(tmp_path, text))
