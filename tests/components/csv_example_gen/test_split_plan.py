"""A split is planned, and refused where it cannot work, before anything is written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from components.csv_example_gen.csv_files import CellKind, SourceError, check_csv
from components.csv_example_gen.file_contents import open_local
from components.csv_example_gen.reading_rules import ReadingRules
from components.csv_example_gen.row_split import KeySplit, RowSplit, Split, TimeSplit
from components.csv_example_gen.split_plan import SplitPlan, check_column, plan_split

Plan = Callable[[Split, str, list[object]], SplitPlan]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Plans a split of rows that have one column."""

    def plan(split: Split, column: str, values: list[object]) -> SplitPlan:
        (tmp_path / "rows.csv").write_text(f"n,{column}\n" + "".join(f"0,{value}\n" for value in values))
        return plan_split(split, check_csv(tmp_path / "rows.csv"), open_local)

    return plan


def sides(plan: SplitPlan, column: str, values: list[Any]) -> list[bool]:
    are_eval = plan.assigner(["n", column])
    return are_eval([pa.array([0] * len(values)), pa.array(values)], pa.array([b""] * len(values)), None).tolist()


def test_all_rows_of_a_key_together(plan: Plan) -> None:
    keys = [f"customer {row % 40}" for row in range(400)]
    found = sides(plan(KeySplit("who"), "who", list(keys)), "who", [key.encode() for key in keys])
    by_key = {key: {side for other, side in zip(keys, found, strict=True) if other == key} for key in keys}
    assert all(len(of_key) == 1 for of_key in by_key.values())
    assert 400 / 6 < sum(found) < 400 * 2 / 3


@pytest.mark.parametrize(
    ("values", "first_of_eval"),
    [
        (list(range(30)), 20),
        ([0.5 * value for value in range(30)], 10.0),
        ([1] * 10 + [2] * 10 + [3] * 10, 3),
        ([1] * 10 + [2] * 11 + [3] * 6, 3),  # 22% is nearer to a third than 63%: rows of one time stay together
        ([f"2024-{month:02d}" for month in range(1, 13)], "2024-09"),
        ([f"2024-01-{day:02d}" for day in range(1, 31)], "2024-01-21"),
        ([f"202401{day:02d}" for day in range(10, 31)], 20240124),
        ([f"2024-01-01T{hour:02d}:00:00+{hour % 2:02d}:00" for hour in range(24)], "2024-01-01T16:00:00+00:00"),
    ],
)
def test_the_newest_part_is_eval(plan: Plan, values: list[Any], first_of_eval: Any) -> None:
    planned = plan(TimeSplit("t"), "t", values)
    encoded = [value.encode() if isinstance(value, str) else value for value in values]
    encoded = [int(value) if isinstance(first_of_eval, int) else value for value in encoded]
    begin = first_of_eval.encode() if isinstance(first_of_eval, str) else first_of_eval
    (is_first,) = sides(planned, "t", [begin])
    assert is_first
    found = sides(planned, "t", encoded)
    if not isinstance(begin, bytes):
        assert found == [value >= begin for value in encoded]
    assert abs(sum(found) / len(found) - 1 / 3) < 0.18


def test_a_zone_counts(plan: Plan) -> None:
    """23:00 at -05:00 is later than 01:00 UTC of the next day."""
    times = ["2024-01-01T12:00Z", "2024-01-02T01:00Z", "2024-01-01T23:00-05:00"]
    assert sides(plan(TimeSplit("t"), "t", times), "t", [time.encode() for time in times]) == [False, False, True]


@pytest.mark.parametrize(
    ("kind", "written", "values"),
    [
        (CellKind.INT, "%d%m%Y", [31012023, 15062023, 28122023, 30122023, 10012024, 11022024]),  # as numbers: otherwise
        (CellKind.BYTES, "%m/%d/%Y", ["1/31/2023", "6/15/2023", "12/28/2023", "12/30/2023", "1/5/2024", "2/1/2024"]),
        (
            CellKind.BYTES,
            "%d %b %Y",
            ["31 Jan 2023", "1 Feb 2023", "2 Mar 2023", "3 Apr 2023", "1 Jan 2024", "2 May 2024"],
        ),
        (
            CellKind.BYTES,
            "%Y-%m-%d %H:%M%z",  # in the order of UTC
            [f"2024-01-01 1{hour}:00{zone}" for hour, zone in enumerate(["+05:00", "+03:00", "Z", "Z", "Z", "-09:00"])],
        ),
        (CellKind.INT, "epoch milliseconds", [1_700_000_000_000 + row for row in range(6)]),
    ],
)
def test_the_contract_says_how_times_are_written(
    tmp_path: Path, kind: CellKind, written: str, values: list[int] | list[str]
) -> None:
    (tmp_path / "rows.csv").write_text("t\n" + "".join(f"{value}\n" for value in values))
    source = check_csv(tmp_path / "rows.csv", rules=ReadingRules(kinds={"t": kind}, dates={"t": written}))
    are_eval = plan_split(TimeSplit("t"), source, open_local).assigner(["t"])
    encoded = [value.encode() if isinstance(value, str) else value for value in values]
    assert are_eval([pa.array(encoded)], pa.array([b""] * 6), None).tolist() == [False] * 4 + [True] * 2


def test_a_time_without_a_year_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("t\n23:59\n00:01\n")
    source = check_csv(tmp_path / "rows.csv", rules=ReadingRules(kinds={"t": CellKind.BYTES}, dates={"t": "%H:%M"}))
    with pytest.raises(SourceError, match=r"expected dates with a year, .* written %H:%M\. Split by another column"):
        plan_split(TimeSplit("t"), source, open_local)


@pytest.mark.parametrize(
    ("split", "column", "values", "message"),
    [
        (KeySplit("custome"), "customer", [1, 2], r"no column is named 'custome'; did you mean 'customer'\?"),
        (TimeSplit("when"), "customer", [1, 2], r"no column is named 'when'; expected one of n, customer"),
        (KeySplit("who"), "who", ["a"] * 9, r"expected several keys, received one in all rows: 'a'\."),
        (KeySplit("who"), "who", [5] * 9, r"expected several keys, received one in all rows: 5\."),
        (KeySplit("who"), "who", [1.5, 2.5], r"expected a key that is INT or BYTES, received FLOAT"),
        (KeySplit("who"), "who", ["a", "b", "", "c"], r"row 3 of 4 has no who, so its side is unknown\. Expected a "),
        (TimeSplit("t"), "t", [1, 2, "", 3], r"row 3 of 4 has no t, so its side is unknown\."),
        (KeySplit("who"), "who", ["a"] * 5 + ["c"], r"none of 6 rows would be eval: there are 2 keys, the "),
        (
            KeySplit("who"),
            "who",
            ["big"] * 900 + [f"x{number}" for number in range(100)],
            r"expected 16\.7% to 66\.7% of the rows in eval, received [39]\S+%: there are 101 keys, the heaviest, "
            r"'big', with 90\.0% of the rows\. Add rows, or choose another share or split\.",
        ),
        (TimeSplit("t"), "t", [7] * 9, r"expected several times, received one, the same in all rows\."),
        (
            TimeSplit("t"),
            "t",
            [1] * 10 + [2],
            r"expected 16\.7% to 66\.7% of the rows in eval, received 9\.1%: there are 2 times, and rows of one time ",
        ),
        (
            TimeSplit("t"),
            "t",
            ["2024-01-01", "01/02/2024"],
            r"row 2, column `t`: expected a number, or ISO 8601 such as 2024-01-31 or 2024-01-31T23:59:59Z, received "
            r"'01/02/2024'\.",
        ),
        (
            TimeSplit("t"),
            "t",
            ["2024-01-01T10:00Z", "2024-01-01T11:00"],
            r"row 2, column `t`: expected times that all have an offset from UTC, or none, received both; '2024-",
        ),
    ],
)
def test_what_cannot_work_is_refused(plan: Plan, split: Split, column: str, values: list[object], message: str) -> None:
    with pytest.raises(SourceError, match=rf"^split by [^:]+: {message}"):
        plan(split, column, values)


def test_a_column_that_the_contract_lacks() -> None:
    kinds = {"who": CellKind.BYTES, "fare": CellKind.FLOAT}
    check_column(KeySplit("who"), kinds)
    check_column(TimeSplit("fare"), kinds)
    check_column(RowSplit(), {})
    with pytest.raises(SourceError, match=r"no column is named 'whom'; did you mean 'who'\?"):
        check_column(KeySplit("whom"), kinds)
    with pytest.raises(SourceError, match=r"change the type of fare in the contract, or split by another column\.$"):
        check_column(KeySplit("fare"), kinds)
