"""What each column becomes, and which are left out."""

from pathlib import Path

import pytest

from pipelines.scaffold.columns import Encoding, ProfiledColumn, profile_columns
from pipelines.scaffold.errors import ScaffoldError
from pipelines.scaffold.question import choose_problem
from pipelines.scaffold.source import read_source

ROWS = 200


def columns(tmp_path: Path, **cells: list[object]) -> dict[str, ProfiledColumn]:
    """Profiles of columns, beside a label."""
    cells["y"] = [number % 2 for number in range(ROWS)]
    lines = [",".join(cells), *(",".join(map(str, row)) for row in zip(*cells.values(), strict=True))]
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
    source = read_source(tmp_path / "rows.csv")
    question = choose_problem("y", source.table["y"], source.kinds["y"])
    return {column.name: column for column in profile_columns(source, question)}


def test_each_kind(tmp_path: Path) -> None:
    found = columns(
        tmp_path,
        price=[0.5 * number for number in range(ROWS)],
        count=list(range(ROWS)),
        hour=[number % 12 for number in range(ROWS)],
        color=["red" if number % 3 else "" for number in range(ROWS - 1)] + ["blue"],
    )
    assert {name: column.encoding for name, column in found.items()} == {
        "price": Encoding.SCALED,
        "count": Encoding.SCALED,
        "hour": Encoding.NUMBERED,
        "color": Encoding.VOCABULARY,
    }
    assert [column.feature for column in found.values()] == ["price_scaled", "count_scaled", "hour_number", "color_id"]
    assert (found["hour"].least, found["hour"].greatest) == (0, 11)
    assert (found["color"].missing, found["color"].distinct) == (67, 2)


def test_a_long_tail_gets_a_root(tmp_path: Path) -> None:
    found = columns(
        tmp_path,
        even=[float(number) + 0.5 for number in range(ROWS)],
        tail=[1.5] * (ROWS - 2) + [900.5, 2.5],
        below=[-1.5] * (ROWS - 2) + [900.5, 2.5],
    )
    assert {name: column.square_root for name, column in found.items()} == {"even": False, "tail": True, "below": False}


def test_left_out(tmp_path: Path) -> None:
    found = columns(
        tmp_path,
        price=[0.5 * number for number in range(ROWS)],
        id=[f"row {number}" for number in range(ROWS)],
        key=[2**60 + number for number in range(ROWS)],
        same=["x"] * ROWS,
        empty=[""] * ROWS,
    )
    assert {name: column.why_not for name, column in found.items() if not column.encoding} == {
        "id": "200 different texts in 200 rows: it tells rows apart, not kinds of rows",
        "key": "its numbers are too long to be quantities: likely names of something",
        "same": "it is the same in every row",
        "empty": "it is empty",
    }


def test_nothing_to_predict_from(tmp_path: Path) -> None:
    with pytest.raises(
        ScaffoldError, match=r"no column to predict from: same: it is the same in every row. Bring rows"
    ):
        columns(tmp_path, same=["x"] * ROWS)
    with pytest.raises(ScaffoldError, match="no column to predict from: there is no column but the label"):
        columns(tmp_path)


def test_a_feature_is_not_called_like_another_column(tmp_path: Path) -> None:
    numbers = [0.5 * number for number in range(ROWS)]
    found = columns(tmp_path, price=numbers, price_scaled=numbers)
    assert [column.feature for column in found.values()] == ["price_scaled_2", "price_scaled_scaled"]
