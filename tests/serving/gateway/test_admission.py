"""Who is let in, and how much of whom: keys, rate, sizes, media types."""

import json
import os
import re
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import hypothesis
import pytest
from hypothesis import strategies

from serving.gateway.api_keys import ApiKeys, parse
from tests.serving.gateway.conftest import Start, sample
from tests.serving.gateway.scripted_model import ScriptedModel

pytestmark = pytest.mark.slow

Trip = dict[str, Any]
OLD, NEW = "old-key-0123456789", "new-key-0123456789"


def status(client: httpx.Client, trip: Trip, key: str | None = None) -> int:
    return client.post("/v1/tip", json=trip, headers={"X-API-Key": key} if key else {}).status_code


def test_no_keys_no_need_of_one(client: httpx.Client, trip: Trip) -> None:
    assert status(client, trip) == 200
    assert status(client, trip, "whatever") == 200


def test_keys(start: Start, model: ScriptedModel, trip: Trip) -> None:
    client = start(environ={"GATEWAY_API_KEYS": f"app:{OLD},batch:{NEW}"})
    assert [status(client, trip, key) for key in (OLD, NEW)] == [200, 200]
    assert [status(client, trip, key) for key in (None, "x", OLD[:-1], OLD + "x", f"app:{OLD}")] == [401] * 5
    assert len(model.asked) == 2
    answer = client.post("/v1/tip", json=trip, headers={"X-API-Key": "guess"})
    assert answer.headers["www-authenticate"] == "APIKey"
    assert answer.json()["code"] == "unauthorized"
    assert answer.json()["detail"] == (
        "The request has no valid API key: expected one in the header X-API-Key, received another."
    )
    assert client.post("/v1/tip", content=b"no JSON").status_code == 401  # strangers learn nothing else
    for path in ("/", "/healthz", "/readyz"):
        assert client.get(path).status_code == 200
    assert client.get("/openapi.json", headers={"X-API-Key": OLD}).json()["components"]["securitySchemes"] == {
        "APIKeyHeader": {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    }


def test_strangers_see_no_metrics_and_no_documentation(start: Start) -> None:
    client = start(environ={"GATEWAY_API_KEYS": f"app:{OLD}"})
    paths = ["/metrics", "/docs", "/openapi.json"]
    assert [client.get(path).status_code for path in paths] == [401] * 3
    assert [client.head(path).status_code for path in paths] == [401] * 3
    assert [client.get(path, headers={"X-API-Key": OLD}).status_code for path in paths] == [200] * 3
    assert client.get("/metrics").json()["code"] == "unauthorized"
    assert client.get("/readyz").json() == {"status": "ready"}
    assert client.get("/readyz", headers={"X-API-Key": OLD}).json()["model_version"] == "1"


def test_without_keys_nothing_is_hidden(client: httpx.Client) -> None:
    assert [client.get(path).status_code for path in ("/metrics", "/docs", "/openapi.json")] == [200] * 3
    assert client.get("/readyz").json() == {"status": "ready", "model_version": "1", "model_label": None}


def test_the_page_links_to_what_a_browser_may_see(start: Start) -> None:
    for client in (start(), start(environ={"GATEWAY_API_KEYS": f"app:{OLD}"})):
        links = re.findall(r'<a href="([^"]+)"', client.get("/").text)
        assert [client.get(f"/{link}").status_code for link in links] == [200] * len(links)
    assert links == []


def test_head_answers_as_get_without_the_content(start: Start) -> None:
    client = start()
    for path in ("/", "/healthz", "/readyz", "/docs", "/page/page.css", "/nowhere"):
        got, headed = client.get(path), client.head(path)
        assert (headed.status_code, headed.content) == (got.status_code, b"")
        assert headed.headers["content-type"] == got.headers["content-type"]
    assert client.head("/v1/tip").status_code == 405


def test_other_origins(start: Start, trip: Trip) -> None:
    here, elsewhere = "https://app.example.com", "https://evil.example.com"
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key,content-type"}
    closed = start()
    assert "access-control-allow-origin" not in closed.post("/v1/tip", json=trip, headers={"Origin": here}).headers
    assert closed.options("/v1/tip", headers={"Origin": here, **asking}).status_code == 405
    client = start({"cors.origins": [here]}, {"GATEWAY_API_KEYS": f"app:{OLD}"})
    preflight = client.options("/v1/tip", headers={"Origin": here, **asking})
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, here)
    assert client.options("/v1/tip", headers={"Origin": elsewhere, **asking}).status_code == 400
    answer = client.post("/v1/tip", json=trip, headers={"Origin": here, "X-API-Key": OLD})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, here)
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers
    refused = client.post("/v1/tip", json=trip, headers={"Origin": elsewhere, "X-API-Key": OLD})
    assert "access-control-allow-origin" not in refused.headers


def test_keys_are_changed_without_a_pause(start: Start, trip: Trip, tmp_path: Path) -> None:
    file = tmp_path / "keys"

    def write(text: str) -> None:
        file.with_suffix(".new").write_text(text)
        os.replace(file.with_suffix(".new"), file)

    write(f"# the app\n\napp:{OLD}\n")
    client = start({"keys.file": str(file)})
    assert [status(client, trip, key) for key in (OLD, NEW)] == [200, 401]
    write(f"app:{OLD}\napp-2:{NEW}\n")
    assert [status(client, trip, key) for key in (OLD, NEW)] == [200, 200]
    write(f"app-2:{NEW}\n")
    assert [status(client, trip, key) for key in (OLD, NEW)] == [401, 200]
    write("app-2:short\n")  # a mistake locks nobody out
    assert [status(client, trip, key) for key in (OLD, NEW)] == [401, 200]
    write("")  # this is none: nobody may ask any more
    assert [status(client, trip, key) for key in (OLD, NEW, None)] == [401, 401, 401]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("app", r"^line 2: expected NAME:KEY"),
        (f"a b:{OLD}", r"^line 2: expected NAME:KEY"),
        ("app:0123456789", r"^line 2: expected a key of at least 16 characters, received 10$"),
        (f"app:{OLD}\napp:{NEW}", r"^line 3: expected each name once, received 'app' again$"),
    ],
)
def test_lines_that_are_no_keys(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        parse(f"# keys\n{text}", "line")
    assert "0123456789" not in str(error.value)


def test_a_file_of_keys_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"keys' file .*keys does not exist: expected a file with lines NAME:KEY"):
        ApiKeys({}, tmp_path / "keys")


def test_rate(start: Start, trip: Trip) -> None:
    client = start({"limits.requests_per_second": 3}, {"GATEWAY_API_KEYS": f"app:{OLD},batch:{NEW}"})

    def until(wanted: int, key: str) -> httpx.Response:
        deadline = time.monotonic() + 10
        while (answer := client.post("/v1/tip", json=trip, headers={"X-API-Key": key})).status_code != wanted:
            assert time.monotonic() < deadline
        return answer

    assert [status(client, trip, OLD) for _ in range(3)] == [200, 200, 200]
    answer = until(429, OLD)
    assert (answer.headers["retry-after"], answer.json()["code"]) == ("1", "too_many_requests")
    assert answer.json()["detail"].startswith("Too many requests: expected at most 3 a second, received more; ")
    assert [status(client, trip, NEW) for _ in range(3)] == [200, 200, 200]  # each key has its own share
    assert [status(client, trip, f"guess {number}") for number in range(3)] == [401, 401, 401]
    until(429, "guess")  # guessing has its bound too
    until(200, OLD)


def test_body_size(start: Start, model: ScriptedModel, trip: Trip) -> None:
    client = start({"limits.body_bytes": 2000})
    assert client.post("/v1/tip", json=trip).status_code == 200
    assert client.post("/v1/tip", json=[trip] * 6).status_code == 413
    answer = client.post("/v1/tip", json=[trip] * 6)
    assert answer.json()["code"] == "body_too_large"
    assert answer.json()["detail"].startswith("The body is too large: expected at most 2000 bytes, received ")

    def stream() -> Any:  # httpx sends an iterator without saying how much it is
        for _ in range(1000):
            yield b" " * 1000

    answer = client.post("/v1/tip", content=stream(), headers={"Content-Type": "application/json"})
    assert answer.json()["detail"] == "The body is too large: expected at most 2000 bytes, received more."
    assert len(model.asked) == 1


def test_rows(start: Start, trip: Trip) -> None:
    client = start({"limits.rows": 2})
    assert client.post("/v1/tip", json=[trip] * 2).status_code == 200
    answer = client.post("/v1/tip", json=[trip] * 3)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_rows")


def test_a_body_that_does_not_arrive(start: Start) -> None:
    client = start({"limits.body_seconds": 0.1})
    with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
        connection.sendall(
            b"POST /v1/tip HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_a_body_that_breaks_off(start: Start, trip: Trip) -> None:
    client = start()
    with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
        connection.sendall(
            b"POST /v1/tip HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
        )
    assert status(client, trip) == 200
    deadline = time.monotonic() + 10
    while not sample(client, "gateway_requests_total", route="/v1/tip", status="400"):
        assert time.monotonic() < deadline


@pytest.mark.parametrize(
    "media_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "application/json-patch+json"]
)
def test_another_media_type(client: httpx.Client, media_type: str | None) -> None:
    headers = {} if media_type is None else {"Content-Type": media_type}
    answer = client.post("/v1/tip", content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert answer.headers["accept"] == "application/json"


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_the_media_type_in_other_words(client: httpx.Client, trip: Trip, media_type: str) -> None:
    assert client.post("/v1/tip", json=trip, headers={"Content-Type": media_type}).status_code == 200


def test_a_compressed_body(client: httpx.Client, trip: Trip) -> None:
    answer = client.post("/v1/tip", json=trip, headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_encoding")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"{}}", b"\xff", b"{'fare': 1}", b'"\\ud800"', b"[" * 100_000, b"nul", b"1" * 5000 + b"x"]
)
def test_no_json(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/v1/tip", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


def test_nothing_there(client: httpx.Client) -> None:
    answer = client.get("/v1/tips")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["detail"] == "There is nothing at /v1/tips."
    assert sample(client, "gateway_requests_total", route="other", status="404") == 1


def test_another_method(client: httpx.Client) -> None:
    answer = client.get("/v1/tip")
    assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (405, "method_not_allowed", "POST")
    assert answer.json()["detail"] == "/v1/tip does not take GET: expected POST."


@pytest.mark.parametrize("sent", ["a", "4711-abc_d.E", "x" * 64])
def test_a_request_id_is_taken_over(client: httpx.Client, trip: Trip, sent: str) -> None:
    answer = client.post("/v1/tip", json=trip, headers={"X-Request-ID": sent})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == sent


@pytest.mark.parametrize("sent", ["", "a b", "x" * 65, "a\tb", "<script>", '"'])
def test_a_request_id_that_could_harm_is_replaced(client: httpx.Client, sent: str) -> None:
    made = [client.get("/nowhere", headers={"X-Request-ID": sent}).headers["x-request-id"] for _ in range(2)]
    assert all(len(one) == 24 and one.isalnum() for one in made)
    assert made[0] != made[1]


@pytest.mark.parametrize("path", ["/", "/docs", "/nowhere", "/v1/tip", "/page/page.css"])
def test_headers_that_guard_a_browser(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'")
    assert "unsafe-inline" not in policy.split("style-src")[0]


numbers = strategies.integers() | strategies.floats()
documents = strategies.recursive(
    strategies.none() | strategies.booleans() | numbers | strategies.text(),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
    max_leaves=10,
)
bodies = strategies.binary() | documents.map(lambda document: json.dumps(document).encode())


@hypothesis.given(body=bodies)
@hypothesis.settings(
    max_examples=200, deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_no_body_breaks_the_gateway(client: httpx.Client, model: ScriptedModel, body: bytes) -> None:
    answer = client.post("/v1/tip", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert model.asked == []


paths = strategies.text(alphabet=strategies.characters(codec="ascii"), min_size=1)
methods = strategies.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"])


@hypothesis.given(path=paths, method=methods)
@hypothesis.settings(
    max_examples=200, deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_no_path_breaks_the_gateway(client: httpx.Client, path: str, method: str) -> None:
    target = client.base_url.copy_with(raw_path=b"/" + quote(path, safe="/.%").encode())
    assert client.request(method, target).status_code in (200, 404, 405, 415)
