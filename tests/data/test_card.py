"""Every figure of the data card, held against the rows."""

import csv
import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from data import taxi

CARD = taxi.CARD.read_text(encoding="utf-8")
with taxi.packaged_file().open(newline="") as stream:
    ROWS = list(csv.DictReader(stream))


def table(first_header: str) -> list[dict[str, str]]:
    """The card's table whose first column is called so, one dict per line."""
    block = re.search(rf"^\| {first_header} \|.*\n\|---(.*\n)*?(?=\n)", CARD, re.MULTILINE)
    assert block is not None
    lines = block[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    names = [name.strip() for name in lines[0].strip("|").split("|")]
    return [dict(zip(names, line, strict=True)) for line in cells]


def label(row: dict[str, str]) -> bool:
    return 5 * Fraction(row["tips"]) > Fraction(row["fare"])


def quarter(row: dict[str, str]) -> str:
    start = datetime.fromtimestamp(int(row["trip_start_timestamp"]), UTC)
    return f"{start.year}Q{(start.month + 2) // 3}"


def counts(rows: Iterable[dict[str, str]], key: str) -> list[tuple[str, int]]:
    return Counter(row[key] for row in rows if row[key]).most_common()


def test_the_table_names_the_columns_of_the_file() -> None:
    assert {line["column"] for line in table("column")} == set(ROWS[0])


@pytest.mark.parametrize("line", table("column"), ids=lambda line: line["column"])
def test_column(line: dict[str, str]) -> None:
    cells = [row[line["column"]] for row in ROWS]
    filled = [cell for cell in cells if cell]
    assert int(line["missing"]) == len(cells) - len(filled)
    assert line["share"] == f"{1 - len(filled) / len(cells):.1%}"
    if line["type"] == "BYTES":
        assert line["meaning"].startswith(f"{len(set(filled))} values")
        return
    parse = int if line["type"] == "INT" else float
    numbers = [parse(cell) for cell in filled]
    assert [parse(line["least"]), parse(line["greatest"])] == [min(numbers), max(numbers)]
    if found := re.search(r"(\d+) occur", line["meaning"]):
        assert int(found[1]) == len(set(filled))


def test_types_are_those_of_the_contract() -> None:
    text = (taxi.CARD.parent / "schema" / "taxi.pbtxt").read_text(encoding="utf-8")
    features = re.findall(r'^feature \{\n  name: "(\w+)".*?\n  type: (\w+)$', text, re.MULTILINE | re.DOTALL)
    assert dict(features) == {line["column"]: line["type"] for line in table("column")}


@pytest.mark.parametrize(("name", "key"), [("payment_type", lambda row: row["payment_type"]), ("quarter", quarter)])
def test_counts_by(name: str, key) -> None:  # type: ignore[no-untyped-def]
    trips, positive = Counter(map(key, ROWS)), Counter(key(row) for row in ROWS if label(row))
    assert [(line[name], int(line["trips"]), int(line["label holds"])) for line in table(name)] == [
        (value, count, positive[value])
        for value, count in (sorted(trips.items()) if name == "quarter" else trips.most_common())
    ]


def test_rows_and_period() -> None:
    starts = [datetime.fromtimestamp(int(row["trip_start_timestamp"]), UTC) for row in ROWS]
    assert f"{len(ROWS):,} real taxi trips in Chicago, {min(starts):%Y-%m-%d} to {max(starts):%Y-%m-%d}" in CARD
    assert f"{len(ROWS[0])} columns" in CARD
    for row, start in zip(ROWS, starts, strict=True):
        assert int(row["trip_start_hour"]) == start.hour
        assert int(row["trip_start_day"]) == start.isoweekday() % 7 + 1
        assert int(row["trip_start_month"]) == start.month
        assert start.minute % 15 == start.second == 0


def test_label() -> None:
    positive = sum(map(label, ROWS))
    assert f"{positive:,} trips, {positive / len(ROWS):.1%}." in CARD
    tips, fare = (np.array([row[name] for row in ROWS], np.float32) for name in ("tips", "fare"))
    naive = int((tips > np.float32(0.2) * fare).sum())
    assert f"gives {naive:,}: {naive - positive} trips" in CARD
    on_the_line = sum(5 * Fraction(row["tips"]) == Fraction(row["fare"]) > 0 for row in ROWS)
    assert f"{on_the_line} trips lie exactly on that line" in CARD
    exact = 5 * np.round(100 * tips) > np.round(100 * fare)
    assert exact.tolist() == list(map(label, ROWS))


def test_quirks() -> None:
    still = [row for row in ROWS if float(row["trip_miles"]) == 0]
    stated = [
        f"- {sum(float(row['fare']) == 0 for row in ROWS)} trips have a fare of 0",
        f"- {len(still):,} trips ({len(still) / len(ROWS):.1%}) have 0 miles, "
        f"{sum(float(row['fare']) > 0 for row in still):,} of them with a fare; "
        f"{sum(row['trip_seconds'] == '0' for row in ROWS)} last 0 seconds",
        f"{sum(float(row['trip_miles']) > 100 for row in ROWS)} trips above 100 miles",
        f"{sum(bool(row['dropoff_latitude']) and not row['dropoff_community_area'] for row in ROWS)} trips have a "
        "coordinate and no area",
    ]
    assert [text for text in stated if text not in CARD] == []
    assert max(int(row["trip_seconds"] or 0) for row in ROWS) // 3600 == 20
    for row in ROWS:
        assert bool(row["pickup_latitude"]) == bool(row["pickup_longitude"]) == bool(row["pickup_community_area"])
        assert row["dropoff_latitude"] or not row["dropoff_community_area"]
    assert len({tuple(row.values()) for row in ROWS}) == len(ROWS)
    content = taxi.packaged_file().read_bytes()
    assert content.isascii()
    assert b'"' not in content


def test_companies() -> None:
    companies = counts(ROWS, "company")
    large = [count for _, count in companies if count > 100]
    share = sum(large) / sum(count for _, count in companies)
    assert f"{len(large)} companies have more than 100 trips each and make up {share:.0%} of the trips" in CARD
    names = {name for name, _ in companies}
    assert {"Chicago Elite Cab Corp. (Chicago Carriag", "4197 - 41842 Royal Star", "4197 - Royal Star"} <= names


def test_bias() -> None:
    cash = [row for row in ROWS if row["payment_type"] == "Cash"]
    assert f"{sum(float(row['tips']) > 0 for row in cash)} of {len(cash):,} cash trips show one" in CARD
    first, last = ([row for row in ROWS if quarter(row) == name] for name in ("2013Q1", "2015Q4"))
    shares = [f"{sum(map(label, rows)) / len(rows):.1%}" for rows in (first, last)]
    assert f"grows from {shares[0]} in 2013Q1 to {shares[1]} in 2015Q4" in CARD
    shares = [f"{sum(row['payment_type'] == 'Cash' for row in rows) / len(rows):.1%}" for rows in (first, last)]
    assert f"(cash {shares[0]} to {shares[1]})" in CARD
    areas = counts(ROWS, "pickup_community_area")
    named = ", ".join(area for area, _ in areas[:6])
    assert f"6 of the 77 areas ({named}: " in CARD
    assert f"start {sum(count for _, count in areas[:6]) / len(ROWS):.0%} of the trips" in CARD
    assert f"{77 - len(areas)} areas start none" in CARD


def test_the_card_states_the_packaged_files_sha256() -> None:
    assert Path(taxi.IN_PACKAGE).as_posix() in CARD
    assert taxi.card_sha256() in CARD
