"""What each column becomes, and which are left out."""

from pathlib import Path

import numpy as np
import pytest

from components.csv_example_gen.csv_files import CellKind
from pipelines.scaffold.columns import Encoding, ProfiledColumn, profile_columns
from pipelines.scaffold.errors import ScaffoldError
from pipelines.scaffold.question import choose_problem
from pipelines.scaffold.source import read_source

ROWS = 200
SHUFFLED = np.random.default_rng(0).permutation(ROWS).tolist()


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
        count=[number * 7 % 150 for number in range(ROWS)],
        hour=[number % 12 for number in range(ROWS)],
        color=["red" if number % 3 else "" for number in range(ROWS - 1)] + ["blue"],
    )
    assert {name: [feature.encoding for feature in column.features] for name, column in found.items()} == {
        "price": [Encoding.SCALED],
        "count": [Encoding.SCALED],
        "hour": [Encoding.NUMBERED],
        "color": [Encoding.VOCABULARY],
    }
    names = [column.feature_names for column in found.values()]
    assert names == ["price_scaled", "count_scaled", "hour_number", "color_id"]
    assert (found["hour"].least, found["hour"].greatest) == (0, 11)
    assert (found["color"].missing, found["color"].distinct) == (67, 2)


def test_a_long_tail_gets_a_root(tmp_path: Path) -> None:
    found = columns(
        tmp_path,
        even=[float(number) + 0.5 for number in range(ROWS)],
        tail=[1.5] * (ROWS - 2) + [900.5, 2.5],
        below=[-1.5] * (ROWS - 2) + [900.5, 2.5],
    )
    assert {name: column.features[0].square_root for name, column in found.items()} == {
        "even": False,
        "tail": True,
        "below": False,
    }


def test_left_out(tmp_path: Path) -> None:
    found = columns(
        tmp_path,
        price=[0.5 * number for number in range(ROWS)],
        id=[f"row {number}" for number in range(ROWS)],
        nearly=[*range(0, 376, 2), *["unknown"] * 12],
        key=[2**60 + 10**6 * number * number for number in SHUFFLED],
        same=["x"] * ROWS,
        empty=[""] * ROWS,
    )
    assert {name: column.why_not for name, column in found.items() if not column.features} == {
        "id": "200 different texts in 200 rows: it identifies rows, and is no category",
        "nearly": "189 different texts in 200 rows: 188 of 200 values are numbers, and 'unknown' in row 189 is not; "
        "leave such cells empty if they mean that the value is missing",
        "key": "200 different numbers in 200 rows: an id, which will be different in other rows",
        "same": "it is the same in every row",
        "empty": "it is empty",
    }


def test_nothing_to_predict_from(tmp_path: Path) -> None:
    with pytest.raises(
        ScaffoldError,
        match=r"one column to predict from, received none: same: it is the same in every row. Add columns",
    ):
        columns(tmp_path, same=["x"] * ROWS)
    with pytest.raises(ScaffoldError, match="received none: there is no column except the label"):
        columns(tmp_path)


def test_a_feature_is_not_called_like_another_column(tmp_path: Path) -> None:
    numbers = [0.5 * number for number in range(ROWS)]
    found = columns(tmp_path, price=numbers, price_scaled=numbers)
    assert [column.feature_names for column in found.values()] == ["price_scaled_2", "price_scaled_scaled"]


def test_dates_become_what_differs_in_them(tmp_path: Path) -> None:
    found = columns(
        tmp_path,
        price=[0.5 * (number % 7) for number in range(ROWS)],
        day=[f"2026-09-{number % 28 + 1:02}" for number in range(ROWS)],
        month=[f"{number % 12 + 1}/2024" for number in range(ROWS)],
        hour=[f"{number % 24:02}:00" for number in range(ROWS)],
        pause=[f"{number % 4}:{number % 60:02}" for number in range(ROWS)],
        lap=[f"{number % 4}:{number % 60:02}" for number in range(ROWS)],
        stamp=[
            f"{number % 9 + 1}.{number % 12 + 1}.2024 {number % 24}:30" if number % 5 else "" for number in range(ROWS)
        ],
        created_at=[1_700_000_000 + 90_013 * (number % 90) for number in range(ROWS)],
        yyyymmdd=[20240100 + number % 31 + 1 for number in range(ROWS)],
    )
    assert {name: column.written for name, column in found.items() if column.written} == {
        "day": "%Y-%m-%d",
        "month": "%m/%Y",
        "hour": "%H:%M",
        "pause": "%H:%M",
        "stamp": "%d.%m.%Y %H:%M",
        "created_at": "epoch seconds",
        "yyyymmdd": "%Y%m%d",
    }
    assert {name: [feature.part for feature in column.features] for name, column in found.items()} == {
        "price": [""],
        "day": ["trend", "weekday"],  # of one month
        "month": ["trend", "month", "month_sin", "month_cos"],
        "hour": ["minutes", "hour", "hour_sin", "hour_cos"],
        "pause": ["minutes", "hour", "hour_sin", "hour_cos"],
        "lap": [],
        "stamp": ["trend", "weekday", "month", "hour", "month_sin", "month_cos", "hour_sin", "hour_cos"],
        "created_at": ["trend", "weekday", "month", "hour", "month_sin", "month_cos", "hour_sin", "hour_cos"],
        "yyyymmdd": ["trend", "weekday"],
    }
    assert found["day"].feature_names == "day_trend, day_weekday"
    assert [(f.encoding, f.first, f.last) for f in found["day"].features] == [
        (Encoding.SCALED, 0, 0),
        (Encoding.NUMBERED, 0, 6),
    ]
    assert found["stamp"].missing == 40
    assert [(f.name, f.encoding) for f in found["pause"].features[:2]] == [
        ("pause_minutes", Encoding.SCALED),
        ("pause_hour", Encoding.NUMBERED),
    ]
    assert found["lap"].why_not == "durations, such as '0:00'; write them as numbers of one unit, as in 0.5"


@pytest.mark.parametrize(
    ("cells", "why_not"),
    [
        (
            ['"[\'red\', \'gold\']"', "['gold']", "['blue']", '"[\'blue\', \'gold\']"'] * (ROWS // 4),
            "lists in brackets, such as \"['blue', 'gold']\"; write the items alone, with bars between, as in red|gold",
        ),
        (
            [f"2026-{number % 2 + 1:02}-{number % 28 + 1:02}" for number in range(ROWS - 1)] + ["unknown"],
            "199 of 200 values are dates written %Y-%m-%d, and 'unknown' in row 200 is not; write it so, or leave it "
            "empty",
        ),
        (
            ["unknown"] + [f"{number % 2 + 1}/{number % 28 + 1}/26" for number in range(ROWS - 1)],
            "dates with a year of two digits; write four, as in 2024-04-12",
        ),
    ],
)  # fmt: skip
def test_what_is_nearly_something_else_is_no_category(tmp_path: Path, cells: list[object], why_not: str) -> None:
    found = columns(tmp_path, x=cells, n=[0.5, 1.5] * (ROWS // 2))
    assert (found["x"].features, found["x"].why_not) == ((), why_not)


def test_a_list_becomes_a_feature_for_each_item(tmp_path: Path) -> None:
    tags = ["red|gold", "gold", "red|blue light|gold", "blue light|red", ""]
    found = columns(tmp_path, tags=[tags[number % 5] for number in SHUFFLED], n=[0.5, 1.5] * (ROWS // 2))
    assert found["tags"].separator == "|"
    assert {(f.name, f.item, f.first, f.last) for f in found["tags"].features} == {
        ("tags_has_gold", "gold", 0, 1),
        ("tags_has_red", "red", 0, 1),
        ("tags_has_blue_light", "blue light", 0, 1),
    }


def test_codes_are_categories_and_ids_are_left_out(tmp_path: Path) -> None:
    zips = [94103, 10001, 60614, 2139, 73301]
    found = columns(
        tmp_path,
        age=[18 + number * 7 % 60 for number in range(ROWS)],
        zip=[zips[number * 3 % 5] for number in range(ROWS)],
        store_no=[101 + number % 20 for number in range(ROWS)],
        padded=[f"{number % 9:03}" for number in range(ROWS)],
        account=[2**60 + number * 7 % 11 for number in range(ROWS)],
        branch=[f"{138 + number % 4}.0" if number % 9 else "" for number in range(ROWS)],
        row=[number + 1 for number in range(ROWS)],
        customer=[100000 + number for number in SHUFFLED],
        order_id=[number * number for number in SHUFFLED],
        amount=[f"{number:03}" for number in SHUFFLED],
    )
    assert {name: column.feature_names for name, column in found.items()} == {
        "age": "age_scaled",
        "zip": "zip_id",
        "store_no": "store_no_number",
        "padded": "padded_id",
        "account": "account_number",
        "branch": "branch_number",
        "row": "",
        "customer": "",
        "order_id": "",
        "amount": "",
    }
    assert (found["zip"].kind, found["padded"].kind, found["store_no"].kind) == (
        CellKind.BYTES,
        CellKind.BYTES,
        CellKind.INT,
    )
    codes = [name for name, column in found.items() if column.is_code]
    assert codes == ["zip", "store_no", "padded", "account", "branch"]
    assert "codes, since some begin with 0, such as '0" in found["amount"].why_not
    assert found["row"].why_not.startswith("it counts the rows, 1, 2, 3 and so on: an index")
    assert found["customer"].why_not == "it is a different number from 100000 to 100199 in every row: an id"
    assert (
        found["order_id"].why_not == "200 different numbers in 200 rows: an id, which will be different in other rows"
    )


def test_a_column_that_tells_the_label_is_suspected(tmp_path: Path) -> None:
    found = columns(
        tmp_path,
        age=[18 + number * 7 % 60 for number in range(ROWS)],
        refunded=["yes" if number % 2 else "" for number in range(ROWS)],
    )
    # With one value it is no feature, however much it tells.
    assert found["refunded"].why_not == "it has one value only, in 100 of 200 rows"
    found = columns(tmp_path, reason=[f"r{number % 3}" if number % 2 else "" for number in range(ROWS)])
    assert found["reason"].features
    assert found["reason"].suspicion == "alone it separates the classes with an AUC of 1.000"
