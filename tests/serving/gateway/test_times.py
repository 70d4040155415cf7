"""Times that people can say, their parts filled in or held against them: from the contract's tags to the model."""

import csv
import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.protobuf import text_format
from hypothesis import given, settings, strategies
from tensorflow_metadata.proto.v0 import schema_pb2

from data import taxi
from serving import contract as contracts
from serving.contract import Contract, ContractError
from serving.contract.time_parts import PARTS
from serving.gateway.problems import ProblemError
from serving.gateway.row_validator import RowValidator
from tests.serving.gateway.conftest import TAXI_CONTRACT
from tests.serving.gateway.scripted_model import ScriptedModel

Trip = dict[str, Any]
TIME, HOUR, DAY, MONTH = "trip_start_timestamp", "trip_start_hour", "trip_start_day", "trip_start_month"
JULY = {TIME: 1437057900, HOUR: 14, DAY: 5, MONTH: 7}  # Thursday, 2015-07-16 14:45 by Chicago's clocks
JANUARY = {TIME: 1421419500, HOUR: 14, DAY: 6, MONTH: 1}  # Friday, 2015-01-16 14:45


@pytest.fixture(scope="module")
def rows(contract: Contract) -> RowValidator:
    return RowValidator(contract, "Trip", most=100)


def without(trip: Trip, **changes: Any) -> Trip:
    """A trip that says only what has to be said of its time."""
    return {name: value for name, value in trip.items() if name not in (TIME, HOUR, DAY, MONTH)} | changes


@pytest.mark.parametrize(("said", "meant"), [
    (1437057900, JULY),
    ("2015-07-16T14:45", JULY),  # without a zone: what Chicago's clocks show
    ("2015-07-16 14:45:00", JULY),
    ("2015-07-16T14:45:00-05:00", JULY),  # summer time
    ("2015-07-16T19:45:00Z", JULY),
    ("2015-07-16T21:45:00.999+0200", JULY),
    ("2015-01-16T20:45:00Z", JANUARY),  # winter time: another offset
    ("2015-07-17T04:45:00Z", {TIME: 1437090300, HOUR: 23, DAY: 5, MONTH: 7}),  # the day before in Chicago
])  # fmt: skip
def test_a_time_gives_its_parts(rows: RowValidator, trip: Trip, said: Any, meant: dict[str, int]) -> None:
    (found,) = rows.check(without(trip, **{TIME: said}))
    assert {name: found[name] for name in meant} == meant
    assert rows.check(without(trip, **{TIME: said}, **{name: meant[name] for name in (HOUR, DAY, MONTH)})) == [found]


@pytest.mark.parametrize("said", [
    "2015-07-16", "16.07.2015 14:45", "2015-13-16T14:45", "2015-02-30T14:45", "2015-07-16T25:00", "1437057900", "",
    "2015-07-16T14:45:00 America/Chicago", "0001-01-01T00:00:00+14:00", "2015-W29-4T14:45", "20150716T144500",
    "1999-07-16T14:45",  # beyond the contract's range
])  # fmt: skip
def test_what_is_no_time(rows: RowValidator, trip: Trip, said: str) -> None:
    with pytest.raises(ProblemError) as problem:
        rows.check(without(trip, **{TIME: said}))
    (error,) = problem.value.errors
    assert (error.field, error.received) == (TIME, f'"{said}"')
    assert "or a date and time in ISO 8601 such as 2015-07-16T14:45, in local time of America/Chicago" in error.expected


@pytest.mark.parametrize(("part", "value", "expected"), [
    (MONTH, 12, "7, the month of trip_start_timestamp 1437057900 (2015-07-16 14:45:00), or nothing"),
    (DAY, 4, "5, the weekday (Sunday is 1) of trip_start_timestamp 1437057900 (2015-07-16 14:45:00), or nothing"),
    (HOUR, 19, "14, the hour of trip_start_timestamp 1437057900 (2015-07-16 14:45:00), or nothing"),
])  # fmt: skip
def test_a_part_that_contradicts_its_time(rows: RowValidator, trip: Trip, part: str, value: int, expected: str) -> None:
    for time in (1437057900, "2015-07-16T19:45Z"):
        with pytest.raises(ProblemError) as problem:
            rows.check([trip, without(trip, **{TIME: time, part: value})])
        assert [(error.row, error.field, error.expected, error.received) for error in problem.value.errors] == [
            (1, part, expected, str(value))
        ]
        assert problem.value.status == 422


def test_a_part_needs_its_time(rows: RowValidator, trip: Trip) -> None:
    with pytest.raises(ProblemError, match=f"row 0, {TIME}: expected a whole number"):
        rows.check(without(trip, **{HOUR: 14, DAY: 5, MONTH: 7}))


def test_a_part_that_is_filled_in_is_held_to_the_contract(tmp_path: Path, trip: Trip) -> None:
    text = TAXI_CONTRACT.read_text()
    old = "int_domain { min: 0 max: 23 }"
    assert old in text
    (tmp_path / "schema.pbtxt").write_text(text.replace(old, "int_domain { min: 0 max: 22 }"))
    rows = RowValidator(contracts.read(tmp_path / "schema.pbtxt"), "Trip", most=100)
    rows.check(without(trip, **{TIME: "2015-07-16T22:59"}))
    with pytest.raises(ProblemError) as problem:
        rows.check(without(trip, **{TIME: "2015-07-16T23:00"}))
    (error,) = problem.value.errors
    assert (error.field, error.expected) == (HOUR, "a whole number from 0 to 22")
    assert error.received == "23, which follows from trip_start_timestamp 1437087600 (2015-07-16 23:00:00)"


def test_a_time_that_no_calendar_has_is_refused_in_words() -> None:
    """Of a contract without a range for it."""
    text = """
    annotation { tag: "missing_number:-9007199254740992" tag: "missing_string:" }
    feature { name: "start" type: INT value_count { max: 1 }
      annotation { tag: "date:epoch seconds" tag: "time_zone:Europe/Berlin" } }
    feature { name: "hour" type: INT value_count { max: 1 } annotation { tag: "part_of:start hour" } }
    """
    rows = RowValidator(contracts.from_schema(text_format.Parse(text, schema_pb2.Schema())), "Row", most=10)
    with pytest.raises(ProblemError, match=r"15, the hour of start 9223372036854775807 \(outside the years 1 to 9999"):
        rows.check({"start": 2**63 - 1, "hour": 14})


def test_the_model_gets_numbers(client: httpx.Client, model: ScriptedModel, trip: Trip) -> None:
    client.post("/v1/tip", json=without(trip, **{TIME: "2015-07-16T14:45"})).raise_for_status()
    inputs = model.asked[0][1]["inputs"]
    assert {name: inputs[name] for name in JULY} == {name: [value] for name, value in JULY.items()}


def test_every_trip_of_the_data_keeps_the_rule(contract: Contract) -> None:
    """What the contract says of Chicago's clocks is what its rows say."""
    with taxi.packaged_file().open() as stream:
        trips = list(csv.DictReader(stream))
    assert len(trips) == 15_002
    assert len(contract.time_parts) == 3
    for part, clock in contract.time_parts:
        wrong = [one for one in trips if part.compute(int(one[part.source]), clock.units) != int(one[part.name])]
        assert wrong == []


@given(strategies.datetimes(datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31)))
@settings(max_examples=300, deadline=None)
def test_parts_are_those_of_the_calendar(moment: datetime.datetime) -> None:
    seconds = (moment - datetime.datetime(1970, 1, 1)) // datetime.timedelta(seconds=1)
    found = {name: part(seconds // 86400, seconds % 86400) for name, part in PARTS.items()}
    assert found == {
        "hour": moment.hour,
        "minute": moment.minute,
        "weekday (Sunday is 1)": moment.isoweekday() % 7 + 1,
        "weekday (Monday is 1)": moment.isoweekday(),
        "weekday (Monday is 0)": moment.weekday(),
        "month": moment.month,
    }


@pytest.mark.parametrize(("old", "new", "message"), [
    ("time_zone:America/Chicago", "time_zone:America/Chikago", "the time zone of trip_start_timestamp is unknown"),
    ("part_of:trip_start_timestamp month", "part_of:trip_start_timestamp moon", "PART is one of hour; minute;"),
    ("part_of:trip_start_timestamp month", "part_of:fare month", "is a part of fare: expected a column of requests"),
    ("span_time:epoch seconds", "span", "the time zone of trip_start_timestamp cannot be used"),
    ("example:14\"", "example:15\"", "the contract's examples of trip_start_timestamp and trip_start_hour contradict"),
])  # fmt: skip
def test_contracts_that_cannot_be_used(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = TAXI_CONTRACT.read_text()
    assert old in text
    (tmp_path / "schema.pbtxt").write_text(text.replace(old, new))
    with pytest.raises(ContractError, match=message):
        contracts.read(tmp_path / "schema.pbtxt")
