"""POST /v1/<endpoint>/csv: files as people have them, through a real gateway."""

import concurrent.futures
import csv
import io
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.contract import Contract
from serving.gateway import csv_file, csv_prediction
from tests.serving.gateway.conftest import TAXI_CONTRACT, Start
from tests.serving.gateway.scripted_model import ScriptedModel

Trip = dict[str, Any]
NAMES = ["predicted_probability", "predicted_decision", "model_version", "request_id", "request_row"]


def send(client: httpx.Client, text: str | bytes, content_type: str = "text/csv") -> httpx.Response:
    content = text.encode() if isinstance(text, str) else text
    return client.post("/v1/tip/csv", content=content, headers={"Content-Type": content_type})


def written(trips: list[Trip], separator: str = ",") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(trips[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(trips)
    return text.getvalue()


def read(response: httpx.Response, separator: str = ",") -> list[dict[str, str]]:
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig")), delimiter=separator))


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    found: dict[str, Any] = response.json()
    assert (response.status_code, found["code"]) == (status, code), found
    return found


def test_a_file_comes_back_with_what_json_would_be_answered(
    client: httpx.Client, model: ScriptedModel, contract: Contract, trip: Trip
) -> None:
    model.predict = lambda inputs: [[fare / 100] for fare in inputs["fare"]]
    other = {name: value for name, value in trip.items() if name != "company"} | {"fare": 75}
    rows = [trip | {"note": 'a "quoted", note'}, trip | other | {"company": "", "note": "=1+1"}]
    response = send(client, written(rows))
    found = read(response)
    assert list(found[0]) == [*trip, "note", *NAMES]
    assert [row["note"] for row in found] == ['a "quoted", note', "=1+1"]  # as it came
    assert [row["predicted_probability"] for row in found] == ["0.0765", "0.75"]
    assert [row["predicted_decision"] for row in found] == ["false", "true"]
    assert [row["request_row"] for row in found] == ["0", "1"]
    assert {row["request_id"] for row in found} == {response.headers["X-Request-ID"]}
    assert model.asked[-1][1]["inputs"] == contract.inputs([trip, other])
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "filename=" in response.headers["Content-Disposition"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_marks_and_separators_come_back(client: httpx.Client, trip: Trip, separator: str) -> None:
    response = send(client, b"\xef\xbb\xbf" + written([trip], separator).encode())
    assert response.content.startswith(b"\xef\xbb\xbf" + next(iter(trip)).encode() + separator.encode())
    assert read(response, separator)[0]["predicted_decision"] == "true"


def test_a_named_separator_comes_back(client: httpx.Client, trip: Trip) -> None:
    response = send(client, "sep=~\r\n" + written([trip], "~"))
    assert response.content.startswith(b"sep=~\r\ntrip_start_timestamp~")


def test_cells_are_read_by_the_contract(start: Start, model: ScriptedModel, trip: Trip, tmp_path: Path) -> None:
    """Spellings of missing, signs and decimal commas are those that training reads."""
    text = TAXI_CONTRACT.read_text().replace(
        'tag: "example:7.65"', 'tag: "example:7.65" tag: "number_decimal:," tag: "number_sign:$"'
    )
    path = tmp_path / "contract.pbtxt"
    path.write_text(text.replace('tag: "missing_string:"', 'tag: "missing_string:" tag: "missing_cell:n/a"'))
    client = start({"contract": str(path)})
    response = send(client, written([trip | {"fare": "$ 7,65", "company": " n/a ", "trip_seconds": "660.0"}], ";"))
    inputs = model.asked[-1][1]["inputs"]
    assert (inputs["fare"], inputs["company"], inputs["trip_seconds"]) == ([7.65], [""], [660])
    assert read(response, ";")[0]["predicted_probability"] == "0,75"
    wrong = send(client, written([trip | {"fare": "7.65"}], ";"))
    assert problem(wrong, 422, "invalid_rows")["errors"][0] == {
        "row": 0, "line": 2, "field": "fare", "expected": "a number from 0 to 1000", "received": '"7.65"'
    }  # fmt: skip


def test_parts_of_a_time_may_be_left_out_and_must_not_contradict_it(
    client: httpx.Client, model: ScriptedModel, trip: Trip
) -> None:
    parts = ("trip_start_hour", "trip_start_day", "trip_start_month")
    bare = {name: value for name, value in trip.items() if name not in parts}
    read(send(client, written([bare | {"trip_start_timestamp": "2015-07-16T14:45"}])))
    assert [model.asked[-1][1]["inputs"][part] for part in parts] == [[14], [5], [7]]
    found = problem(send(client, written([trip, trip | {"trip_start_month": 12}])), 422, "invalid_rows")
    assert [(error["line"], error["field"], error["received"]) for error in found["errors"]] == [
        (3, "trip_start_month", "12")
    ]
    without_time = {name: value for name, value in bare.items() if name != "trip_start_timestamp"}
    fields = [
        error["field"] for error in problem(send(client, written([without_time])), 422, "invalid_columns")["errors"]
    ]
    assert fields == ["trip_start_timestamp", *parts]


def test_what_is_wrong_is_told_by_line_and_nothing_is_asked(
    client: httpx.Client, model: ScriptedModel, trip: Trip
) -> None:
    rows = [trip | {"company": "two\nlines"}, trip | {"fare": -1}, trip | {"trip_miles": "", "trip_start_hour": "noon"}]
    errors = problem(send(client, written(rows)), 422, "invalid_rows")["errors"]
    assert {(error["line"], error["field"], error["received"]) for error in errors} == {
        (4, "fare", "-1.0"), (5, "trip_miles", "nothing"), (5, "trip_start_hour", '"noon"')
    }  # fmt: skip
    assert model.asked == []


def test_rows_with_too_many_cells_are_told_by_line(client: httpx.Client, trip: Trip) -> None:
    found = problem(
        send(client, written([trip, trip]) + written([trip]).split("\r\n")[1] + ",1,2\r\n"), 422, "invalid_rows"
    )
    assert [(error["line"], error["received"]) for error in found["errors"]] == [(4, str(len(trip) + 2))]


@pytest.mark.parametrize(
    ("renamed", "expected", "received"),
    [
        ({"fare": "Fare "}, "a column of this name, or no similar one (rename it)", '"Fare "'),
        ({"fare": "price"}, "a column of this name", "none"),
        ({"trip_seconds": "trip_second"}, "a column of this name, or no similar one (rename it)", '"trip_second"'),
        ({"company": NAMES[1]}, "no column of this name, because the answer adds one (remove or rename it)", "one"),
        ({"company": "fare"}, "one column of this name", "2"),
    ],
)  # fmt: skip
def test_columns_that_do_not_fit(
    client: httpx.Client, model: ScriptedModel, trip: Trip, renamed: dict[str, str], expected: str, received: str
) -> None:
    header, rest = written([trip]).split("\r\n", 1)
    names = [renamed.get(name, name) for name in header.split(",")]
    found = problem(send(client, ",".join(names) + "\r\n" + rest), 422, "invalid_columns")["errors"]
    assert [(error["line"], error["expected"], error["received"]) for error in found] == [(1, expected, received)]
    assert model.asked == []


def test_more_columns_than_can_be_compared_are_refused(client: httpx.Client, trip: Trip) -> None:
    """To compare 40,000 names with the contract's would take seconds."""
    more = {f"other_{place}": "" for place in range(1002)}
    found = problem(send(client, written([trip | more])), 422, "invalid_columns")
    assert "too many columns: expected at most 1,017, received" in found["detail"]
    del more["other_0"]
    read(send(client, written([trip | more])))


def test_others_are_answered_while_a_file_is_read(
    client: httpx.Client, trip: Trip, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on = threading.Event(), threading.Event()

    def read_slowly(body: bytes, most_rows: int) -> csv_file.CsvFile:
        began.set()
        assert go_on.wait(5), "the gateway answered nobody else"
        return csv_file.read_csv(body, most_rows)

    monkeypatch.setattr(csv_prediction, "read_csv", read_slowly)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(send, client, written([trip]))
        assert began.wait(5)
        assert client.get("/").status_code == 200
        go_on.set()
        read(answer.result())


@pytest.mark.parametrize(
    ("content", "status", "code", "words"),
    [
        (b"", 422, "no_rows", "The file is empty"),
        (b"fare,trip_miles\r\n", 422, "no_rows", "no row"),
        (b"PK\x03\x04xl", 400, "invalid_csv", "an Excel workbook"),
        ("fare,company\n1,Zürich\n".encode("cp1252"), 400, "invalid_csv", "line 2, byte 4: expected text in UTF-8"),
        ("fare,company\n1,a\n".encode("utf-16"), 400, "invalid_csv", "UTF-16"),
        (b'fare,company\n1,"a\n', 400, "invalid_csv", "a double quote opens a cell"),
        (b"a;b|c\n1;2|3\n", 400, "invalid_csv", "expected one separator"),
    ],
)
def test_what_is_no_table(client: httpx.Client, content: bytes, status: int, code: str, words: str) -> None:
    assert words in problem(send(client, content), status, code)["detail"]


def test_the_limits_are_those_of_json(start: Start, trip: Trip) -> None:
    client = start({"limits.rows": 2, "limits.body_bytes": 2000}, {"GATEWAY_API_KEYS": "app:0123456789abcdef"})
    problem(send(client, written([trip])), 401, "unauthorized")
    client.headers["X-API-Key"] = "0123456789abcdef"
    assert len(read(send(client, written([trip, trip])))) == 2
    assert "at most 2, received more" in problem(send(client, written([trip] * 3)), 413, "too_many_rows")["detail"]
    problem(send(client, written([trip] * 50)), 413, "body_too_large")
    problem(send(client, written([trip]), "application/json"), 415, "unsupported_media_type")


def test_no_model(client: httpx.Client, model: ScriptedModel, trip: Trip) -> None:
    model.versions = []
    problem(send(client, written([trip])), 503, "no_model")
