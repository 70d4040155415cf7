"""Which columns are dates, and which are refused or only nearly dates."""

import pandas as pd
import pytest

from components.csv_example_gen.csv_files import CellKind
from pipelines.scaffold.dates import explain_near_dates, recognise_dates
from pipelines.scaffold.errors import ScaffoldError


def written(*texts: str, heading: str = "x") -> str | None:
    found = recognise_dates("x", heading, CellKind.BYTES, pd.Series(texts))
    return found.written if found else None


def written_numbers(heading: str, *numbers: int) -> str | None:
    found = recognise_dates("x", heading, CellKind.INT, pd.Series(numbers, dtype="Int64"))
    return found.written if found else None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("2024-04-12", "2023-03-08"), "%Y-%m-%d"),
        (("4/12/2024", "3/28/2023"), "%m/%d/%Y"),
        (("28/3/2023", "12/4/2024"), "%d/%m/%Y"),
        (("1/1/2024", "2/2/2024"), "%m/%d/%Y"),  # read either way it is the same day
        (("08.09.2026 18:34", "16.09.2026 20:37"), "%d.%m.%Y %H:%M"),
        (("2024-04", "2024-12"), "%Y-%m"),
        (("04:00", "23:59"), "%H:%M"),
        (("2024-04-12T10:00:00Z", "2024-04-12T10:00:00+02:00"), "%Y-%m-%d %H:%M:%S%z"),
        (("2024-04-12 18:34:00+00", "2024-04-12 18:34:00-03"), "%Y-%m-%d %H:%M:%S%z"),
        (("2024-04-12 10:00:00.123", "2024-04-12 10:00:01"), "%Y-%m-%d %H:%M:%S"),
        (("12 Apr 2024", "3 May 2024"), "%d %b %Y"),
        (("4/25/2024 3:05 PM", "4/26/2024 11:00 am"), "%m/%d/%Y %I:%M %p"),
        (("2024-04-12", "soon"), None),
        (("2024-04-12", "12.04.2024"), None),
        (("red", "blue"), None),
        (("1.2.3", "1.2.4"), None),
        (("2024-02-30", "2024-02-29"), None),
    ],
)
def test_texts(texts: tuple[str, ...], expected: str | None) -> None:
    assert written(*texts) == expected


@pytest.mark.parametrize(
    ("heading", "numbers", "expected"),
    [
        ("created_at", (1_437_057_900, 1_400_000_000), "epoch seconds"),
        ("trip_start_timestamp", (1_437_057_900, 1_400_000_000), "epoch seconds"),
        ("ms", (1_437_057_900_000, 1_400_000_000_000), "epoch milliseconds"),
        ("x", (1_437_057_900_000, 1_400_000_000_000), "epoch milliseconds"),
        ("x", (1_437_057_900, 1_400_000_000), None),  # ten digits may be anything
        ("customer_id", (1_437_057_900_000, 1_400_000_000_000), None),
        ("date", (20240412, 20231231), "%Y%m%d"),
        ("x", (20240412, 20231299), None),
        ("time", (4, 5), None),
    ],
)
def test_whole_numbers(heading: str, numbers: tuple[int, ...], expected: str | None) -> None:
    assert written_numbers(heading, *numbers) == expected


@pytest.mark.parametrize(
    ("texts", "readings"),
    [
        (
            ("01/02/2024", "03/04/2024"),
            r"'01/02/2024', which is 2 January 2024 \(%m/%d/%Y\) or 1 February 2024 \(%d/%m/%Y\)",
        ),
        (("1-1-2024", "1-2-2024 "), r"'1-2-2024 ', which is 2 January 2024 \(%m-%d-%Y\) or 1 February 2024"),
        (("05/06/2024 10:00",), r"6 May 2024 \(%m/%d/%Y %H:%M\) or 5 June 2024 \(%d/%m/%Y %H:%M\)"),
    ],
)
def test_two_readings_are_refused_with_both(texts: tuple[str, ...], readings: str) -> None:
    with pytest.raises(
        ScaffoldError, match=rf"^column x: expected dates .* one way, received .*{readings}.* as in 2024-04-12"
    ):
        written(*texts)


def test_what_keeps_a_column_from_being_dates() -> None:
    days = [f"2024-01-{day:02}" for day in range(1, 32)]
    near = explain_near_dates(pd.Series([*days, "unknown"]))
    assert near == (
        "31 of 32 values are dates written %Y-%m-%d, and 'unknown' in row 32 is not; write it so, or leave it empty"
    )
    near = explain_near_dates(pd.Series([*["unknown"] * 5, *days]))
    assert near.endswith("and 'unknown' in row 1 is not, nor are 4 others; write it so, or leave it empty")
    for short in (["12.04.24", "1.5.24"], ["04/28/24", "4/1/24", "unknown"], ["28-12-99 10:30", "1-12-99 9:00"]):
        assert explain_near_dates(pd.Series(short)) == "dates with a year of two digits; write four, as in 2024-04-12"
    for texts in ([*days, *["unknown"] * 31], ["red", "blue"], ["1.2.3", "1.2.4"], ["99.98.97", "10.4.11", "10.44.11"]):
        assert explain_near_dates(pd.Series(texts)) == ""
