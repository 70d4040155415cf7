"""The client: against the real gateway, and against a server whose faults the test chooses."""

import asyncio
import contextlib
import dataclasses
import datetime
import doctest
import email.utils
import itertools
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from serving import client as client_module
from serving import contract as contracts
from serving.client import AsyncClient, Client, ClientFiles, Patience, Prediction, Row, TlsError
from serving.client.errors import (
    AnswerError,
    FieldError,
    GatewayError,
    InvalidRequestError,
    NoAnswerError,
    RefusedError,
    TooManyRequestsError,
    UnauthorizedError,
    UnavailableError,
    refused,
)
from serving.gateway.app import create_app
from serving.gateway.settings import load
from serving.request_log.columns import check_names
from tests.serving.gateway.http_server import HttpServer
from tests.serving.gateway.scripted_model import ScriptedModel
from tests.serving.running_server import free_ports

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
CONTRACT = contracts.read(ROOT / "data/schema/taxi.pbtxt")
TRIP: dict[str, Any] = dict(CONTRACT.example)
QUICK = Patience(backoff_s=0.001, most_backoff_s=0.01)
KEY = "a key of sixteen characters or more"

Ask = Callable[..., list[Prediction]]


def ask(url: str, rows: list[Row], *, request_id: str | None = None, **settings: Any) -> list[Prediction]:
    with Client(url, **({"endpoint": "tip", "patience": QUICK} | settings)) as client:
        return client.predict_many(rows, request_id=request_id)


def ask_async(url: str, rows: list[Row], *, request_id: str | None = None, **settings: Any) -> list[Prediction]:
    async def answered() -> list[Prediction]:
        async with AsyncClient(url, **({"endpoint": "tip", "patience": QUICK} | settings)) as client:
            return await client.predict_many(rows, request_id=request_id)

    return asyncio.run(answered())


both = pytest.mark.parametrize("asked", [ask, ask_async], ids=["sync", "async"])


# --- Against the real gateway. ---


@contextlib.contextmanager
def running_gateway(environ: dict[str, str] | None = None, **flags: Any) -> Iterator[tuple[str, ScriptedModel]]:
    """The real gateway's address, and the model server behind it. The model says fare / 1000."""
    model = ScriptedModel(CONTRACT, predict=lambda inputs: [[fare / 1000] for fare in inputs["fare"]])
    quick = {"model.resolve_seconds": 0.001, "model.backoff_seconds": 0.001, "limits.requests_per_second": 0}
    with HttpServer(model) as model_server:
        settings = load(ROOT / "serving/gateway/taxi.toml", {}, {"model.server": model_server.url, **quick, **flags})
        with HttpServer(create_app(settings, environ or {})) as server:
            yield server.url, model


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    with running_gateway() as (url, _):
        yield url


@both
def test_rows_are_answered_in_their_order(asked: Ask, gateway: str) -> None:
    found = asked(gateway, [TRIP | {"fare": fare} for fare in (250, 500.0, 750)], request_id="three-trips")
    assert found == [
        Prediction(
            probability=fare / 1000,
            decision=fare >= 500,
            model_version="1",
            model_label=None,
            request_id="three-trips",
            row=row,
        )
        for row, fare in enumerate((250, 500, 750))
    ]


def test_one_row_is_one_prediction(gateway: str) -> None:
    with Client(gateway, endpoint="tip") as client:
        first, second = client.predict(TRIP | {"company": None}), client.predict(TRIP, request_id="second")
    assert first.probability == pytest.approx(TRIP["fare"] / 1000)
    assert len(first.request_id) == 32
    assert second.request_id == "second"

    async def predicted() -> Prediction:
        async with AsyncClient(gateway, endpoint="tip") as client:
            return await client.predict(TRIP, request_id="third")

    assert asyncio.run(predicted()) == dataclasses.replace(second, request_id="third")


@both
def test_a_row_that_breaks_the_contract_is_named(asked: Ask, gateway: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        asked(gateway, [TRIP, TRIP | {"fare": -1}], request_id="wrong")
    assert caught.value.status == 422
    assert caught.value.code == "invalid_rows"
    assert caught.value.request_id == "wrong"
    assert [(error.row, error.field) for error in caught.value.errors] == [(1, "fare")]
    assert str(caught.value).startswith("422 invalid_rows: ")
    assert "row 1, fare: expected a number from 0 to 1000, received -1" in str(caught.value)


@both
def test_an_endpoint_that_is_not_there(asked: Ask, gateway: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"404 not_found: There is nothing at /v1/tipp"):
        asked(gateway, [TRIP], endpoint="tipp")


@both
def test_a_model_that_is_away_for_a_while_is_waited_for(asked: Ask) -> None:
    with running_gateway(**{"model.attempts": 1, "model.retry_after_seconds": 1}) as (url, model):
        model.faults = [503]
        assert asked(url, [TRIP])[0].model_version == "1"
        assert model.faults == []


@both
def test_a_model_that_stays_away_is_unavailable(asked: Ask) -> None:
    with running_gateway(**{"model.retry_after_seconds": 60}) as (url, model):
        model.versions = []
        with pytest.raises(UnavailableError, match="503 no_model: No model answers") as caught:
            asked(url, [TRIP])
        assert caught.value.retry_after_s == 60  # longer than the client's patience: not waited for


@both
def test_a_key_is_sent_and_never_shown(asked: Ask) -> None:
    with running_gateway({"GATEWAY_API_KEYS": f"tests:{KEY}"}) as (url, _):
        assert asked(url, [TRIP], api_key=KEY)[0].model_version == "1"
        for wrong in (None, "another key of sixteen characters"):
            with pytest.raises(UnauthorizedError) as caught:
                asked(url, [TRIP], api_key=wrong)
            assert caught.value.status == 401
            assert "another key" not in str(caught.value)


@both
def test_too_many_requests_are_asked_again_when_there_is_room(asked: Ask) -> None:
    with running_gateway(**{"limits.requests_per_second": 1}) as (url, _):
        assert [asked(url, [TRIP])[0].model_version for _ in range(2)] == ["1", "1"]
        with pytest.raises(TooManyRequestsError) as caught:
            ask_often(asked, url)
        assert caught.value.code == "too_many_requests"
        assert caught.value.retry_after_s is not None
        assert caught.value.retry_after_s >= 1


def ask_often(asked: Ask, url: str) -> None:
    for _ in range(50):
        asked(url, [TRIP], patience=dataclasses.replace(QUICK, attempts=1))


def test_the_example_in_the_docstring(gateway: str) -> None:
    text = (client_module.__doc__ or "").replace("http://127.0.0.1:8080", gateway)
    assert text.count(gateway) == 1
    example = doctest.DocTestParser().get_doctest(text, {}, "serving.client", None, 0)
    assert len(example.examples) == 6
    report: list[str] = []
    with capture_logs():  # The gateway of this process would print in between.
        assert doctest.DocTestRunner().run(example, out=report.append).failed == 0, "".join(report)


def fenced(language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", (ROOT / "docs/reference/serving.md").read_text(), re.MULTILINE | re.DOTALL
    )


def test_the_example_in_the_docs(gateway: str) -> None:
    (example,) = [code for code in fenced("python") if "Client(" in code]
    names: dict[str, Any] = {}
    with capture_logs():
        exec(example.replace("http://127.0.0.1:8080", gateway), names)
    assert names["prediction"].probability == pytest.approx(7.65 / 1000)
    assert [type(each) for each in names["both"]] == [Prediction, Prediction]


def test_the_request_in_the_docs_is_one_that_the_gateway_takes(gateway: str) -> None:
    (command,) = [code for code in fenced("") if code.startswith("curl")]
    shown = subprocess.run(
        ["bash", "-c", command.replace("http://127.0.0.1:8080", gateway)], check=True, capture_output=True, text=True
    )
    (answer,) = json.loads(shown.stdout)["predictions"]
    assert answer == {"probability": pytest.approx(7.65 / 1000), "decision": False}


def test_the_settings_of_the_log_in_the_docs_are_taken(tmp_path: Path) -> None:
    (table,) = [code for code in fenced("toml") if code.startswith("[request_log]")]
    file = tmp_path / "taxi.toml"
    file.write_text((ROOT / "serving/gateway/taxi.toml").read_text() + table)
    found = load(file, {"GATEWAY_REQUEST_LOG_HASH_KEY": "a key of the tests"}).request_log
    assert found is not None
    assert (found.sample_rate, found.hashed, found.keep_days) == (0.1, ("company",), 30)
    check_names(CONTRACT, found.dropped, found.hashed)


# --- Against faults. ---


class Current:
    """The application of the one faulty server: the one that the test at work has put there."""

    app: Any = None
    server: HttpServer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": message["type"] + ".complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        await self.app(scope, receive, send)


current = Current()


@pytest.fixture(scope="module", autouse=True)
def faulty_server() -> Iterator[None]:
    with HttpServer(current) as current.server:
        yield


@contextlib.contextmanager
def at_work(app: Any) -> Iterator[HttpServer]:
    current.app = app
    yield current.server


class Faulty:
    """An HTTP server that answers with what it was told, in that order, and a prediction for each row after that.

    A step is (status, headers, body), "cut" for a connection that ends without an answer, or "hang" for none.
    """

    def __init__(self, *steps: Any) -> None:
        self.steps = list(steps)
        self.asked: list[tuple[float, dict[str, str], Any]] = []  # when, headers, body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        rows = json.loads(body + message["body"])
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append((time.monotonic(), headers, rows))
        step = self.steps.pop(0) if self.steps else (200, {}, predictions(len(rows)))
        if step == "hang":
            await receive()  # until the client hangs up
        elif step == "cut":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"99")]})
            await send({"type": "http.response.body", "body": b"{", "more_body": True})
        else:
            status, sent, content = step
            content = content if isinstance(content, bytes) else json.dumps(content).encode()
            encoded = [(name.lower().encode(), value.encode()) for name, value in sent.items()]
            encoded.append((b"content-length", str(len(content)).encode()))
            await send({"type": "http.response.start", "status": status, "headers": encoded})
            await send({"type": "http.response.body", "body": content})


def predictions(rows: int) -> dict[str, Any]:
    each = {"probability": 0.75, "decision": True}
    return {"predictions": [each] * rows, "model_version": "3", "model_label": "canary", "request_id": "theirs"}


EXPECTED = Prediction(probability=0.75, decision=True, model_version="3", model_label="canary", request_id="theirs")


@both
@pytest.mark.parametrize("fault", ["cut", (503, {}, b""), (429, {}, {}), (503, {"Retry-After": "soon"}, b"busy")])
def test_what_may_pass_is_asked_again_under_the_same_id(asked: Ask, fault: Any) -> None:
    server = Faulty(fault, fault)
    with at_work(server) as running:
        assert asked(running.url, [{"x": 1}, {"x": None}]) == [EXPECTED, dataclasses.replace(EXPECTED, row=1)]
    assert len(server.asked) == 3
    assert len({headers["x-request-id"] for _, headers, _ in server.asked}) == 1
    assert all(rows == [{"x": 1}, {"x": None}] for _, _, rows in server.asked)


@both
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (307, GatewayError),
        (400, InvalidRequestError),
        (401, UnauthorizedError),
        (403, UnauthorizedError),
        (413, InvalidRequestError),
        (422, InvalidRequestError),
        (500, GatewayError),
        (502, GatewayError),
        (504, GatewayError),
    ],
)
def test_what_would_fail_again_is_asked_once(asked: Ask, status: int, kind: type[RefusedError]) -> None:
    server = Faulty((status, {"Location": "/elsewhere"}, {"code": "c", "detail": "d", "request_id": "theirs"}))
    with at_work(server) as running, pytest.raises(RefusedError) as caught:
        asked(running.url, [TRIP])
    assert type(caught.value) is kind
    assert str(caught.value) == f"{status} c: d (request theirs)"
    assert len(server.asked) == 1


@both
def test_tries_have_an_end(asked: Ask) -> None:
    server = Faulty(*[(503, {}, {"code": "no_model", "detail": f"try {number}"}) for number in range(1, 9)])
    with at_work(server) as running, pytest.raises(UnavailableError, match="503 no_model: try 3"):
        asked(running.url, [TRIP], patience=dataclasses.replace(QUICK, attempts=3))
    assert len(server.asked) == 3


@both
def test_retry_after_is_waited_for(asked: Ask) -> None:
    server = Faulty((429, {"Retry-After": "1"}, {}))
    with at_work(server) as running:
        asked(running.url, [TRIP])
    (first, _, _), (second, _, _) = server.asked
    assert second - first >= 1


@both
def test_retry_after_beyond_the_patience_is_not_waited_for(asked: Ask) -> None:
    server = Faulty((503, {"Retry-After": "31"}, {}))
    with at_work(server) as running, pytest.raises(UnavailableError) as caught:
        asked(running.url, [TRIP])
    assert caught.value.retry_after_s == 31
    assert len(server.asked) == 1


def test_retry_after_may_be_a_date() -> None:
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=100)
    waits = [
        refused(httpx.Response(503, headers={"Retry-After": date}), "r").retry_after_s
        for date in (email.utils.format_datetime(soon, usegmt=True), "Sun, 06 Nov 1994 08:49:37 GMT", "later")
    ]
    assert waits[0] is not None
    assert 90 < waits[0] <= 100
    assert waits[1:] == [0, None]


@both
def test_waiting_grows(asked: Ask) -> None:
    server = Faulty(*[(503, {}, {})] * 4)
    with at_work(server) as running:
        asked(running.url, [TRIP], patience=Patience(backoff_s=0.05, most_backoff_s=0.4))
    times = [when for when, _, _ in server.asked]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(wait >= least for wait, least in zip(waits, (0.05, 0.1, 0.2, 0.4), strict=True))


@both
def test_an_answer_that_does_not_come_is_given_up_once(asked: Ask) -> None:
    server = Faulty("hang", "hang")
    with at_work(server) as running, pytest.raises(NoAnswerError, match=r"/v1/tip: no answer in time: ReadTimeout"):
        asked(running.url, [TRIP], patience=dataclasses.replace(QUICK, answer_s=0.1))
    assert len(server.asked) == 1


@both
def test_nobody_there(asked: Ask) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(NoAnswerError, match=r"no answer: ConnectError .*check that a gateway runs there") as caught:
        asked(url, [TRIP], request_id="lost", patience=dataclasses.replace(QUICK, attempts=2))
    assert caught.value.request_id == "lost"
    assert str(caught.value).startswith(f"{url}/v1/tip: ")


@both
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>Welcome</html>", "answered 200, but not as a gateway: expected predictions, received '<html>"),
        ([1], "not as a gateway"),
        ({"predictions": [{"probability": "high"}], "model_version": "1"}, "not as a gateway"),
        (predictions(2), "expected 1 predictions, one for each row, received 2"),
    ],
)
def test_an_answer_of_something_else(asked: Ask, body: Any, message: str) -> None:
    server = Faulty((200, {}, body))
    with at_work(server) as running, pytest.raises(AnswerError) as caught:
        asked(running.url, [TRIP])
    assert message in str(caught.value)
    assert len(server.asked) == 1


def test_a_proxys_page_is_quoted() -> None:
    error = refused(httpx.Response(502, html="<h1>Bad gateway</h1>" + "." * 500), "mine")
    assert type(error) is GatewayError
    assert str(error) == f"502 without a code: <h1>Bad gateway</h1>{'.' * 180} (request mine)"


def test_errors_of_fields_are_typed() -> None:
    problem = {
        "code": "invalid_rows",
        "detail": "Two.",
        "errors": [{"row": 1, "field": "fare", "expected": "a number"}],
    }
    error = refused(httpx.Response(422, json=problem), "mine")
    assert error.errors == (FieldError(row=1, field="fare", expected="a number", received=""),)


@both
@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"bytes"])
def test_what_json_does_not_have_is_not_sent(asked: Ask, value: Any) -> None:
    with pytest.raises(
        (ValueError, TypeError), match="rows: expected mappings of names to int, finite float, str or None"
    ):
        asked(f"http://127.0.0.1:{free_ports(1)[0]}", [{"fare": value}])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"attempts": 0}, "attempts: expected at least 1, received 0"),
        ({"answer_s": 0}, "answer_s: expected more than 0 seconds, received 0"),
    ],
)
def test_patience_makes_sense(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Patience(**wrong)


def test_the_client_imports_no_tensorflow_and_no_arrays() -> None:
    code = "import json, sys; import serving.client; print(json.dumps(sorted(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert not {"tensorflow", "numpy", "pyarrow", "pandas", "google.protobuf"} & set(json.loads(loaded))


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_tls_for_a_url_without_it_is_refused(kind: Any) -> None:
    with pytest.raises(TlsError, match=r"expected a URL that begins with https://, received http://gateway:8080;"):
        kind("http://gateway:8080", endpoint="tip", api_key=KEY, tls=ClientFiles())
