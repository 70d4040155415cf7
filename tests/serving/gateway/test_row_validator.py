"""What the gateway takes for a row, and what it says of the others."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pydantic
import pytest
from hypothesis import strategies

from serving.contract import Contract, Kind
from serving.gateway.problems import ProblemError
from serving.gateway.row_validator import MOST_ERRORS, RowValidator, shown

Trip = dict[str, Any]


@pytest.fixture(scope="module")
def rows(contract: Contract) -> RowValidator:
    return RowValidator(contract, "Trip", most=100)


def refused(rows: RowValidator, sent: object) -> list[tuple[int, str, str, str]]:
    with pytest.raises(ProblemError) as problem:
        rows.check(sent)
    assert (problem.value.status, problem.value.code) == (422, "invalid_rows")
    return [(error.row, error.field, error.expected, error.received) for error in problem.value.errors]


def test_one_row_or_several(rows: RowValidator, trip: Trip) -> None:
    (checked,) = rows.check(trip)
    assert checked == {**trip, "pickup_census_tract": None}
    assert rows.check([trip, {**trip, "fare": 3}]) == [checked, {**checked, "fare": 3.0}]


def test_optional_fields_may_be_null_or_left_out(rows: RowValidator, contract: Contract, trip: Trip) -> None:
    required = {feature.name: trip[feature.name] for feature in contract.features if feature.required}
    null = required | {feature.name: None for feature in contract.features if not feature.required}
    assert rows.check(required) == rows.check(null) == [null]
    assert len(required) == 7


@pytest.mark.parametrize(
    ("field", "value", "expected", "received"),
    [
        ("fare", "12.5", "a number from 0 to 1000", '"12.5"'),
        ("fare", True, "a number from 0 to 1000", "true"),
        ("fare", float("nan"), "a number from 0 to 1000", "NaN"),
        ("fare", float("inf"), "a number from 0 to 1000", "Infinity"),
        ("fare", 1000.01, "a number from 0 to 1000", "1000.01"),
        ("fare", -1, "a number from 0 to 1000", "-1"),
        ("fare", None, "a number from 0 to 1000", "null"),
        ("fare", [1], "a number from 0 to 1000", "[1]"),
        (
            "fare",
            -(2**53),
            "a number from 0 to 1000 (-9007199254740992 means missing, and this field is required)",
            "-9007199254740992",
        ),
        ("trip_start_hour", 14.5, "a whole number from 0 to 23, or nothing", "14.5"),
        ("trip_start_hour", 1e300, "a whole number from 0 to 23, or nothing", "1e+300"),
        ("trip_start_hour", float("inf"), "a whole number from 0 to 23, or nothing", "Infinity"),
        ("trip_start_hour", "14", "a whole number from 0 to 23, or nothing", '"14"'),
        ("trip_start_hour", True, "a whole number from 0 to 23, or nothing", "true"),
        ("trip_start_hour", 10**30, "a whole number from 0 to 23, or nothing", "1" + "0" * 30),
        (
            "trip_seconds",
            "",
            'a whole number from 0 to 86400, or nothing ("" means missing: leave the field out)',
            '""',
        ),
        ("payment_type", "", 'a string that is not blank ("" means missing, and this field is required)', '""'),
        ("payment_type", 7, "a string that is not blank", "7"),
        ("company", {"a": 1}, "a string that is not blank, or nothing", '{"a":1}'),
        ("fair", 1, "no field of this name; did you mean fare?", "1"),
        ("xyzzy", 1, "no field of this name", "1"),
        ("tips", 1, "no value, because this column is the label or no feature, and is not sent in requests", "1"),
    ],
)
def test_a_field_that_breaks_the_contract(
    rows: RowValidator, trip: Trip, field: str, value: object, expected: str, received: str
) -> None:
    assert refused(rows, [trip, {**trip, field: value}]) == [(1, field, expected, received)]


def test_a_field_that_is_not_there(rows: RowValidator, trip: Trip) -> None:
    del trip["fare"]
    assert refused(rows, trip) == [(0, "fare", "a number from 0 to 1000", "nothing")]


@pytest.mark.parametrize(("sent", "received"), [(1, "1"), (None, "null"), ("a", '"a"'), ([[]], "[]")])
def test_a_row_that_is_no_object(rows: RowValidator, sent: object, received: str) -> None:
    assert refused(rows, sent) == [(0, "", "an object with the fields of one row", received)]


def test_every_fault_is_named_up_to_a_bound(rows: RowValidator, trip: Trip) -> None:
    bad = {**trip, "fare": -1, "trip_miles": "x"}
    assert [(row, field) for row, field, *_ in refused(rows, [bad, trip, bad])] == [
        (0, "fare"), (0, "trip_miles"), (2, "fare"), (2, "trip_miles"),
    ]  # fmt: skip
    assert len(refused(rows, [bad] * 100)) == MOST_ERRORS
    with pytest.raises(
        ProblemError, match=r"^row 0, fare: expected a number from 0 to 1000, received -1 \(3 more\)\.$"
    ):
        rows.check([bad, bad])


def test_what_is_not_said_costs_no_search_for_words(
    rows: RowValidator, trip: Trip, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []
    search = difflib.get_close_matches

    def counted(word: str, possibilities: Sequence[str], n: int) -> list[str]:
        searched.append(word)
        return search(word, possibilities, n=n)

    monkeypatch.setattr("difflib.get_close_matches", counted)
    unknown = {f"fare{number}": 1 for number in range(1000)}
    with pytest.raises(
        ProblemError, match=r"^row 0, fare0: .* did you mean fare\?, received 1 \(and at least 50 more\)\.$"
    ) as problem:
        rows.check({**trip, **unknown})
    assert len(problem.value.errors) == MOST_ERRORS
    assert searched == list(unknown)[:MOST_ERRORS]
    searched.clear()
    assert refused(rows, {**trip, "f" * 101: 1}) == [(0, "f" * 100, "no field of this name", "1")]
    assert searched == []


def test_a_new_way_to_pay_is_no_fault(rows: RowValidator, trip: Trip) -> None:
    assert rows.check({**trip, "payment_type": "Mobile"})[0]["payment_type"] == "Mobile"


def test_a_whole_number_written_with_a_point_is_whole(rows: RowValidator, trip: Trip) -> None:
    """As in JSON Schema, which the API's description is written in."""
    (checked,) = rows.check({**trip, "trip_start_hour": 14.0, "trip_seconds": 900.0})
    assert [(value, type(value)) for value in (checked["trip_start_hour"], checked["trip_seconds"])] == [
        (14, int),
        (900, int),
    ]


def test_wrong_rows_are_looked_at_until_there_are_enough_faults(contract: Contract, trip: Trip) -> None:
    """A megabyte of wrong rows must cost the gateway's one loop little: it counts the values that it looks at."""
    looked_at = []

    class Looking(dict[str, Any]):
        def items(self) -> Any:
            looked_at.append(self)
            return super().items()

    rows = RowValidator(contract, "Trip", most=1000)
    unknown = {f"u{number}": 1 for number in range(90)}
    with pytest.raises(ProblemError) as problem:
        rows.check([Looking(unknown) for _ in range(1000)])
    assert len(problem.value.errors) == MOST_ERRORS
    assert len(looked_at) <= 20
    assert problem.value.detail.endswith("(and at least 50 more).")


def test_faults_beyond_the_first_rows_are_found(rows: RowValidator, trip: Trip) -> None:
    found = refused(rows, [trip] * 25 + [{**trip, "fare": -1}] + [trip] * 20 + [{**trip, "fare": -2}])
    assert [(row, field) for row, field, _, _ in found] == [(25, "fare"), (46, "fare")]


def test_how_many_rows(rows: RowValidator, trip: Trip) -> None:
    assert len(rows.check([trip] * 100)) == 100
    with pytest.raises(ProblemError, match="expected at most 100, received 101; send several") as problem:
        rows.check([trip] * 101)
    assert problem.value.status == 413
    with pytest.raises(ProblemError, match=r"expected an object or a list of objects, received \[\]") as problem:
        rows.check([])
    assert problem.value.status == 422


def test_long_values_are_cut() -> None:
    assert shown("a" * 1000) == '"' + "a" * 78 + "…"


PARTS_OF_TRIPS = ("trip_start_hour", "trip_start_day", "trip_start_month")
values = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats() | strategies.text(),
    lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(), inner, max_size=3),
    max_leaves=5,
)
whole_floats = strategies.integers(-2, 100).map(float)


@pytest.mark.slow
@hypothesis.given(data=strategies.data())
@hypothesis.settings(max_examples=300, deadline=None)
def test_whatever_is_sent_is_accepted_or_refused_as_the_contract_says(
    rows: RowValidator, contract: Contract, data: strategies.DataObject
) -> None:
    feature = data.draw(strategies.sampled_from(contract.features))
    value = data.draw(values | whole_floats)
    row = {**contract.example, feature.name: value}
    whole = feature.kind is Kind.INT and type(value) is float and value.is_integer()  # an integer to JSON Schema
    allowed = feature.accepts(int(value) if whole else value, contract.missing) or (value is None and not feature.asked)
    if feature.clock:  # the parts of another time are others
        row = {name: value for name, value in row.items() if name not in PARTS_OF_TRIPS}
    if feature.part:
        allowed = value is None or (allowed and value == contract.example[feature.name])
    if allowed:
        expected = contract.example[feature.name] if feature.part else value
        assert rows.check(row)[0][feature.name] == expected
    else:
        assert [field for _, field, *_ in refused(rows, row)] == [feature.name]


def test_the_schema_says_what_the_contract_says(rows: RowValidator, contract: Contract) -> None:
    schema = pydantic.TypeAdapter(rows.model).json_schema()
    assert schema["additionalProperties"] is False
    assert schema["required"] == [feature.name for feature in contract.features if feature.asked]
    assert schema["examples"] == [contract.example]
    fare = schema["properties"]["fare"]
    assert (fare["type"], fare["minimum"], fare["maximum"], fare["examples"]) == ("number", 0, 1000, [7.65])
    assert fare["description"] == "Without tip, tolls and extras (USD)"
    seconds = schema["properties"]["trip_seconds"]["anyOf"]
    assert seconds == [{"type": "integer", "minimum": 0, "maximum": 86400}, {"type": "null"}]
    assert schema["properties"]["payment_type"]["description"] == (
        "How the rider pays. Known: Cash, Credit Card, Dispute, No Charge, Pcard, Prcard, Unknown; others are allowed."
    )


def test_an_optional_feature_with_a_closed_domain() -> None:
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    from serving.contract import from_schema

    text = """annotation { tag: "missing_number:-1" tag: "missing_string:" }
      feature { name: "colour" type: BYTES value_count { max: 1 } string_domain { value: "red" value: "blue" } }"""
    rows = RowValidator(from_schema(text_format.Parse(text, schema_pb2.Schema())), "Thing", most=1)
    assert rows.check({"colour": "red"}) == [{"colour": "red"}]
    assert rows.check({}) == [{"colour": None}]
    assert refused(rows, {"colour": "green"}) == [(0, "colour", 'one of "blue", "red", or nothing', '"green"')]
    schema = rows.model.model_json_schema()
    assert schema["properties"]["colour"]["anyOf"] == [{"type": "string", "enum": ["blue", "red"]}, {"type": "null"}]


def test_over_http(client: httpx.Client, trip: Trip) -> None:
    answer = client.post("/v1/tip", json=[trip, {**trip, "fare": "3"}])
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "title": "Unprocessable Content",
        "status": 422,
        "code": "invalid_rows",
        "detail": 'row 1, fare: expected a number from 0 to 1000, received "3".',
        "request_id": answer.headers["x-request-id"],
        "errors": [{"row": 1, "field": "fare", "expected": "a number from 0 to 1000", "received": '"3"'}],
    }


PYDANTIC_NAMES = sorted(
    {name for name in dir(pydantic.BaseModel) if not name.startswith("_")} | {"model_version", "root"}
)


@pytest.fixture(scope="module")
def named() -> Contract:
    """A contract whose features are called like everything that pydantic's models have; every other is optional."""
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    from serving.contract import from_schema

    presence = ("value_count { max: 1 }", "presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }")
    features = "".join(
        f'feature {{ name: "{name}" type: INT annotation {{ tag: "example:{place}" }} {presence[place % 2]} }}\n'
        for place, name in enumerate(PYDANTIC_NAMES)
    )
    text = f'annotation {{ tag: "missing_number:-1" tag: "missing_string:" }} {features}'
    return from_schema(text_format.Parse(text, schema_pb2.Schema()))


def test_features_called_like_pydantics_own_attributes(named: Contract) -> None:
    assert {"model_config", "model_fields", "model_dump", "schema", "copy", "json", "dict"} <= set(PYDANTIC_NAMES)
    rows = RowValidator(named, "Thing", most=2)
    sent = {name: place + 1000 for place, name in enumerate(PYDANTIC_NAMES)}
    assert rows.check([sent, named.example]) == [sent, named.example]
    assert refused(rows, {**sent, "model_config": "x"}) == [
        (0, "model_config", "a whole number that int64 holds, or nothing", '"x"')
    ]
    assert refused(rows, {**sent, "feature_0": 1}) == [(0, "feature_0", "no field of this name", "1")]
    properties = rows.model.model_json_schema()["properties"]
    assert list(properties) == PYDANTIC_NAMES
    assert properties["model_config"]["title"] == "Model config"


def test_the_page_and_the_client_with_such_names(named: Contract, tmp_path: Path) -> None:
    from serving.client import Client
    from serving.gateway.app import create_app
    from serving.gateway.settings import load
    from tests.serving.gateway.http_server import HttpServer
    from tests.serving.gateway.scripted_model import ScriptedModel

    text = "".join(
        f'feature {{ name: "{feature.name}" type: INT annotation {{ tag: "example:{feature.example}" }} '
        "value_count { max: 1 } }\n"
        for feature in named.features
    )
    (tmp_path / "contract.pbtxt").write_text(
        f'annotation {{ tag: "missing_number:-1" tag: "missing_string:" }}\n{text}', encoding="utf-8"
    )
    model = ScriptedModel(named)
    model.versions = ["7"]
    with HttpServer(model) as server:
        flags = {"contract": str(tmp_path / "contract.pbtxt"), "model.server": server.url, "endpoint": "names"}
        settings = load(Path(__file__).resolve().parents[3] / "serving/gateway/taxi.toml", {}, flags)
        with HttpServer(create_app(settings, {})) as gateway:
            with Client(gateway.url, endpoint="names") as client:
                assert client.predict(named.example).probability == 0.75
            page = httpx.get(gateway.url).text
            schemas = httpx.get(f"{gateway.url}/openapi.json").json()["components"]["schemas"]
    assert model.asked[0][1]["inputs"] == {name: [value] for name, value in named.example.items()}
    assert [name for name in PYDANTIC_NAMES if f'data-name="{name}"' not in page] == []
    assert any(list(schema.get("properties", {})) == PYDANTIC_NAMES for schema in schemas.values())
