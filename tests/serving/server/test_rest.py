"""What the REST port answers, asked over HTTP."""

import concurrent.futures
import gzip
import json
import re
import socket
from collections.abc import Iterator

import httpx
import pytest

from serving.server.rest_body import MOST_BYTES
from tests.serving.http_bounds import attacks
from tests.serving.running_server import RunningServer, running
from tests.serving.server.conftest import MONITORING_PATH
from tests.serving.server.saved_models import save_waiting

pytestmark = pytest.mark.pipeline
MALFORMED = "Malformed request: "


@pytest.fixture(scope="module")
def http(rest_server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=rest_server.url, timeout=60) as client:
        yield client


def ask(http: httpx.Client, path: str, body: object) -> tuple[int, object]:
    """Status and JSON of the answer to a POST below /v1/models/."""
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    response = http.post(f"/v1/models/{path}", content=content)
    assert response.headers["content-type"] == "application/json"
    return response.status_code, response.json()


def send(server: RunningServer, request: bytes) -> bytes:
    """The answer to a request sent byte by byte as it is, which no HTTP client would do."""
    with socket.create_connection(("127.0.0.1", server.rest_port), timeout=60) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


# --- Paths.


def test_the_version_that_is_asked_for_answers(http: httpx.Client) -> None:
    for path, y in [
        ("line", 24.5),
        ("line/versions/3", 6.5),
        ("line/versions/0012", 24.5),
        ("line/labels/stable", 6.5),
        ("line/labels/canary", 24.5),
    ]:
        assert ask(http, f"{path}:predict", {"instances": [2]}) == (200, {"predictions": [y]})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/"),
        ("GET", "/v1/models/"),
        ("GET", "/v1/models/line/"),
        ("GET", "/v1/models/line:predict"),
        ("GET", "/v1/models/line/version/3"),
        ("GET", "/v1/models/line/versions/three"),
        ("GET", "/v1/models/line/metadata/"),
        ("POST", "/v1/models/line"),
        ("POST", "/v1/models/line/metadata"),
        ("POST", "/v1/models/line:explain"),
        ("POST", "/v1/models/line:Predict"),
        ("POST", "/v1/models/line:predict?x=1"),
        ("POST", "/v1/models/line/versions/-3:predict"),
        ("POST", "/v1/models/line/versions/3/labels/stable:predict"),
        ("POST", "/v1/models/line/labels/:predict"),
        ("PUT", "/v1/models/line:predict"),
        ("DELETE", "/v1/models/line"),
    ],
)
def test_paths_that_mean_nothing(http: httpx.Client, method: str, path: str) -> None:
    response = http.request(method, path, content=b'{"instances": [1]}' if method == "POST" else None)
    assert (response.status_code, response.json()) == (400, {"error": f"{MALFORMED}{method} {path}"})


def test_what_is_not_below_v1_is_not_there(http: httpx.Client) -> None:
    for path in ("/", "/v2/models/line", "/models/line"):
        assert http.get(path).status_code == 404


def test_case_counts_in_names_only(http: httpx.Client) -> None:
    assert http.post("/V1/MODELS/line/Versions/3:predict", content='{"instances": [0]}').json() == {
        "predictions": [0.5]
    }
    assert http.get("/v1/Models/Line/metadata").status_code == 404
    status, answer = ask(http, "line/labels/Stable:predict", {"instances": [0]})
    assert (status, answer) == (400, {"error": "Unrecognized servable version label: Stable"})


def test_a_query_is_part_of_the_name(http: httpx.Client) -> None:
    response = http.get("/v1/models/line?x=1")
    assert (response.status_code, response.json()) == (404, {"error": "Could not find any versions of model line?x=1"})


def test_names_are_percent_decoded_after_they_are_matched(http: httpx.Client) -> None:
    assert ask(http, "l%69ne/labels/st%61ble:predict", {"instances": [0]}) == (200, {"predictions": [0.5]})
    status, answer = ask(http, "a%2Fb%C3%BC:predict", {"instances": [0]})
    assert (status, answer) == (404, {"error": "Servable not found for request: Latest(a/bü)"})
    status, answer = ask(http, "%FF:predict", {"instances": [0]})
    assert status == 400
    assert "Failed to decode model name: %FF" in str(answer)


def test_versions_are_int64(http: httpx.Client) -> None:
    largest = 2**63 - 1
    status, answer = ask(http, f"line/versions/{largest}:predict", {"instances": [0]})
    assert (status, answer) == (404, {"error": f"Servable not found for request: Specific(line, {largest})"})
    for number in (str(largest + 1), "9" * 5000):
        response = http.get(f"/v1/models/line/versions/{number}")
        assert response.status_code == 400
        assert response.json() == {"error": f"Failed to convert version: {number} to numeric."}


def test_a_model_must_be_named(http: httpx.Client) -> None:
    response = http.get("/v1/models")
    assert (response.status_code, response.json()) == (400, {"error": "Missing model name in request."})


def test_options(http: httpx.Client) -> None:
    path = "/v1/models/line:predict"
    with_origin = http.options(path, headers={"Origin": "http://page.example"})
    assert (with_origin.status_code, with_origin.content) == (200, b"")
    without = http.options(path)
    assert (without.status_code, without.content) == (400, b"")


# --- Status and metadata.


def test_status_lists_every_version(http: httpx.Client) -> None:
    def row(version: int) -> dict[str, object]:
        return {"version": str(version), "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}

    for path in ("line", "line/labels/nobody"):  # TensorFlow Serving looks at no label here
        response = http.get(f"/v1/models/{path}")
        assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
        rows = response.json()["model_version_status"]
        assert sorted(rows, key=lambda row: int(row["version"])) == [row(3), row(12)]
    assert http.get("/v1/models/line/versions/3").json() == {"model_version_status": [row(3)]}
    assert http.get("/v1/models/line/versions/4").status_code == 404


def test_metadata_spells_out_every_field(http: httpx.Client) -> None:
    answer = http.get("/v1/models/line/labels/stable/metadata").json()
    assert answer["model_spec"] == {"name": "line", "signature_name": "", "version": "3"}
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert set(signatures) == {"serving_default", "predict_x", "regress_x", "classify_scores", "classify_labels"}
    labels = signatures["classify_labels"]
    assert labels["method_name"] == "tensorflow/serving/classify"
    assert set(labels) == {"inputs", "outputs", "method_name", "defaults"}
    assert labels["inputs"]["inputs"]["dtype"] == "DT_STRING"
    assert labels["inputs"]["inputs"]["tensor_shape"] == {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    assert signatures["serving_default"]["outputs"]["y"]["tensor_shape"] == {"dim": [], "unknown_rank": True}


def test_metadata_of_what_is_not_there(http: httpx.Client) -> None:
    for path, status, message in [
        ("nobody", 404, "Servable not found for request: Latest(nobody)"),
        ("line/versions/4", 404, "Servable not found for request: Specific(line, 4)"),
        ("line/labels/nobody", 400, "Unrecognized servable version label: nobody"),
    ]:
        response = http.get(f"/v1/models/{path}/metadata")
        assert (response.status_code, response.json()) == (status, {"error": message})


# --- Predict.


@pytest.mark.parametrize(
    ("model", "value", "text"),
    [
        ("floats", "[0.1, 7, 1e39, NaN]", "[0.1, 7.0, Infinity, NaN]"),
        ("doubles", "[0.1, 7, -Infinity]", "[0.1, 7.0, -Infinity]"),
        ("ints", "[[1, 2], [3, -4]]", "[[1, 2], [3, -4]]"),
        ("longs", "[9007199254740993]", "[9007199254740993]"),
        ("texts", '["Grün", {"b64": "QQA="}]', '["Grün", "A\\u0000"]'),
        ("bools", "[true, false]", "[true, false]"),
    ],
)
def test_every_type_goes_there_and_back(http: httpx.Client, model: str, value: str, text: str) -> None:
    for asked, answered in [("instances", "predictions"), ("inputs", "outputs")]:
        response = http.post(f"/v1/models/{model}:predict", content=f'{{"{asked}": {value}}}'.encode())
        assert (response.status_code, response.text) == (200, f'{{"{answered}": {text}}}')


def test_scalars_are_for_columns(http: httpx.Client) -> None:
    assert ask(http, "floats:predict", {"inputs": 1.5}) == (200, {"outputs": 1.5})
    assert ask(http, "texts:predict", {"inputs": {"value": "a"}}) == (200, {"outputs": "a"})
    status, answer = ask(http, "pair:predict", {"signature_name": "sums", "instances": [{"number": 4, "word": ""}]})
    assert (status, answer) == (400, {"error": "Tensor name: total has no shape information"})
    sums = {"signature_name": "sums", "inputs": {"number": [4, 5], "word": ""}}
    assert ask(http, "pair:predict", sums) == (200, {"outputs": 9})


def test_several_outputs_by_name(http: httpx.Client) -> None:
    rows = [{"number": 1, "word": "a"}, {"number": 2, "word": {"b64": "Yg=="}}]
    assert ask(http, "pair:predict", {"instances": rows}) == (
        200,
        {
            "predictions": [
                {"number": 1, "word": "a", "word_bytes": {"b64": "YQ=="}},
                {"number": 2, "word": "b", "word_bytes": {"b64": "Yg=="}},
            ]
        },
    )
    columns = {"number": [1, 2], "word": ["a"]}
    outputs = columns | {"word_bytes": [{"b64": "YQ=="}]}
    assert ask(http, "pair:predict", {"inputs": columns}) == (200, {"outputs": outputs})


def test_a_counter_counts_in_one_version(http: httpx.Client) -> None:
    before = ask(http, "counter:predict", {"inputs": 0})[1]["outputs"]  # type: ignore[index]
    assert ask(http, "counter:predict", {"inputs": {"step": 5}}) == (200, {"outputs": before + 5})
    status, answer = ask(http, "counter:predict", {"signature_name": "read", "inputs": {}})
    assert (status, answer) == (400, {"error": "Failed to get input map for signature: read"})


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        # Each has all the faults of those below it: the order of checks decides which one is told.
        ("nobody", "{", 400, "JSON Parse error: .*"),
        ("nobody", {"signature_name": 1}, 400, ".*'signature_name' key must be a string value."),
        ("nobody", {"signature_name": "nothing"}, 404, r"Servable not found for request: Latest\(nobody\)"),
        ("line", {"signature_name": "nothing"}, 400, 'Serving signature name: "nothing" not found in signature def'),
        ("line", {}, 400, "Missing 'inputs' or 'instances' key"),
        ("line", {"instances": ["far"]}, 400, '.*JSON Value: "far" Type: String is not of expected type: float'),
        ("failing", {"instances": [-1]}, 400, "(?s).*x must not be negative.*"),
        ("halves", {"inputs": [1]}, 501, r"Conversion of JSON Value: \[1\] to type: half"),
        ("halves", {"instances": [1]}, 400, "Failed to process element: 0 .* to type: half"),
        ("failing", {"signature_name": "lost", "inputs": "/nowhere"}, 404, "(?s).*/nowhere; No such file.*"),
        ("failing", {"signature_name": "lost", "inputs": "/proc/version"}, 500, "(?s)corrupted record at 0.*"),
    ],
)
def test_errors(http: httpx.Client, path: str, body: object, status: int, message: str) -> None:
    received, answer = ask(http, f"{path}:predict", body)
    assert received == status
    assert isinstance(answer, dict)
    assert set(answer) == {"error"}
    assert re.fullmatch(message, answer["error"]), answer


# --- Classify and Regress.


def test_regress(http: httpx.Client) -> None:
    body = {"signature_name": "regress_x", "examples": [{"x": 2.0}, {}]}
    for path, slope in [("line", 12), ("line/versions/3", 3), ("line/labels/stable", 3)]:
        assert ask(http, f"{path}:regress", body) == (200, {"results": [slope * 2 + 0.5, 0.5]})
    context = {"signature_name": "regress_x", "context": {"x": 4.0}, "examples": [{}, {"x": 1.0}]}
    assert ask(http, "line/labels/stable:regress", context) == (200, {"results": [12.5, 3.5]})


def test_classify(http: httpx.Client) -> None:
    body = {"signature_name": "classify_labels", "examples": [{"x": 2.0}, {"x": 0.0}]}
    expected = [[["low", 6.5], ["high", 7.5]], [["low", 0.5], ["high", 1.5]]]
    assert ask(http, "line/labels/stable:classify", body) == (200, {"results": expected})
    body["signature_name"] = "classify_scores"
    unlabelled = [[["", 6.5], ["", 7.5]], [["", 0.5], ["", 1.5]]]
    assert ask(http, "line/labels/stable:classify", body) == (200, {"results": unlabelled})


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("line:classify", {"examples": [{"x": 1.0}]}, 400, "No classification inputs found in SignatureDef"),
        ("line:regress", {"signature_name": "nothing", "examples": [{}]}, 400, "No signature was found with the name"),
        ("line:regress", {"signature_name": "regress_x"}, 400, "key 'examples' is expected and was not found"),
        ("nobody:regress", {"examples": [{}]}, 404, "Servable not found for request: Latest(nobody)"),
        ("line:regress", {"signature_name": "regress_x", "examples": [{"x": 1}]}, 400, "Data types don't match"),
    ],
)
def test_errors_of_examples(http: httpx.Client, path: str, body: object, status: int, message: str) -> None:
    received, answer = ask(http, path, body)
    assert received == status
    assert isinstance(answer, dict)
    assert message in answer["error"]


# --- Bodies.


def test_gzip(http: httpx.Client) -> None:
    path, plain = "/v1/models/line/versions/3:predict", b'{"instances": [2]}'
    for name in ("gzip", "GZip"):
        response = http.post(path, content=gzip.compress(plain), headers={"Content-Encoding": name})
        assert (response.status_code, response.json()) == (200, {"predictions": [6.5]})
        assert "content-encoding" not in response.headers
    for broken in (plain, gzip.compress(plain)[:-4], gzip.compress(plain) + b"more", b""):
        response = http.post(path, content=broken, headers={"Content-Encoding": "gzip"})
        assert response.status_code == 400
        assert "Failed to uncompress the body" in response.json()["error"]


def test_gzip_may_not_inflate_without_end(http: httpx.Client) -> None:
    bomb = gzip.compress(b" " * (MOST_BYTES + 1), compresslevel=1)
    response = http.post("/v1/models/line:predict", content=bomb, headers={"Content-Encoding": "gzip"})
    assert response.status_code == 400
    assert response.json() == {"error": f"The body is longer than {MOST_BYTES} bytes: send fewer rows at a time."}


def test_a_body_has_an_end(rest_server: RunningServer) -> None:
    head = f"POST /v1/models/line:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {MOST_BYTES + 1}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", rest_server.rest_port), timeout=60) as connection:
        connection.sendall(head.encode())  # and not one byte of the body: the answer does not wait for it
        answer = b""
        while b"}" not in answer:
            answer += connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert f"The body is longer than {MOST_BYTES} bytes".encode() in answer


def test_a_body_in_chunks(rest_server: RunningServer) -> None:
    answer = send(
        rest_server,
        b"POST /v1/models/line/versions/3:predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"ins\r\nd\r\ntances": [2]}\r\n0\r\n\r\n',
    )
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b'{"predictions": [6.5]}')


def test_content_type_does_not_matter(http: httpx.Client) -> None:
    for content_type in ("text/plain", "image/png", "application/json; charset=latin-1"):
        response = http.post(
            "/v1/models/texts:predict", content='{"inputs": "ü"}'.encode(), headers={"Content-Type": content_type}
        )
        assert (response.status_code, response.json()) == (200, {"outputs": "ü"})


def test_512_rows(http: httpx.Client) -> None:
    numbers = [n / 8 for n in range(512)]
    expected = [3 * number + 0.5 for number in numbers]
    assert ask(http, "line/versions/3:predict", {"instances": numbers}) == (200, {"predictions": expected})
    assert ask(http, "line/versions/3:predict", {"inputs": {"x": numbers}}) == (200, {"outputs": expected})


# --- Clients that come and go.


def test_a_slow_request_does_not_hold_up_others(http: httpx.Client, rest_server: RunningServer) -> None:
    gate = rest_server.log.parent / "gate"
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        url = f"{rest_server.url}/v1/models/waiting:predict"
        waiting = threads.submit(httpx.post, url, content='{"inputs": 1}', timeout=60)
        try:
            for _ in range(100):  # many, so that the slow one is under way for most of them
                assert ask(http, "line/versions/3:predict", {"instances": [0]}) == (200, {"predictions": [0.5]})
            assert not waiting.done()
        finally:
            gate.touch()
        assert waiting.result(60).json() == {"outputs": 1.0}


def test_clients_that_leave_are_no_error(http: httpx.Client, rest_server: RunningServer) -> None:
    head = b"POST /v1/models/line:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 18\r\n\r\n"
    for request in (head[:20], head, head + b'{"inst', head + b'{"instances": [1]}'):
        with socket.create_connection(("127.0.0.1", rest_server.rest_port), timeout=60) as connection:
            connection.sendall(request)
    assert ask(http, "line/versions/3:predict", {"instances": [0]}) == (200, {"predictions": [0.5]})
    assert "Traceback" not in rest_server.log.read_text()


# --- Metrics.


def test_metrics(http: httpx.Client) -> None:
    ask(http, "line:predict", {"instances": [1]})
    response = http.get(MONITORING_PATH)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    assert "# TYPE :tensorflow:serving:request_count counter\n" in response.text
    assert ':tensorflow:serving:request_count{model_name="line",status="OK"}' in response.text
    response = http.get(f"{MONITORING_PATH}?x=1")
    assert response.status_code == 400
    assert response.text == f"Unexpected path: {MONITORING_PATH}?x=1. Should be {MONITORING_PATH}"


# --- What is off or otherwise unless a flag says so.


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Serves `waiting` alone, without metrics, and answers within 100 ms or not at all."""
    folder = tmp_path_factory.mktemp("bare")
    save_waiting(folder / "waiting", folder / "gate")
    flags = ("--model_name=waiting", f"--model_base_path={folder / 'waiting'}", "--rest_api_timeout_in_ms=100")
    with running(folder, *flags) as server:
        yield server
        (folder / "gate").touch()


def test_no_metrics_unless_they_are_enabled(bare: RunningServer) -> None:
    assert httpx.get(bare.url + MONITORING_PATH).status_code == 404
    assert httpx.get(f"{bare.url}/v1/models/waiting").status_code == 200


def test_the_deadline_of_the_flag(bare: RunningServer) -> None:
    answer = httpx.post(f"{bare.url}/v1/models/waiting:predict", content=b'{"inputs": 1}', timeout=20)
    assert (answer.status_code, answer.json()) == (504, {"error": "Timed out: expected an answer within 0.1 s."})


@pytest.mark.parametrize("verb", ["predict", "regress"])
def test_an_example_that_is_none(http: httpx.Client, verb: str) -> None:
    """TensorFlow's message quotes the bytes, which are no UTF-8: it used to be an error of the server's."""
    if verb == "predict":
        sent: dict[str, object] = {"signature_name": "predict_x", "instances": [{"b64": "//8="}]}
        status, answer = ask(http, "line:predict", sent)
    else:
        status, answer = ask(http, "line:regress", {"signature_name": "regress_x", "examples": [{"x": "text"}]})
    assert status == 400, answer
    assert "Could not parse example input" in str(answer) or "Data types don't match" in str(answer)


def test_connections_are_bounded(rest_server: RunningServer) -> None:
    with attacks.connections(("127.0.0.1", rest_server.rest_port)) as (connection,):
        attacks.send(connection, b"GET /v1/models/line HTTP/1.1\r\nHost: a\r\nX: ")
        attacks.send(connection, b"a" * 2**20, 25)
        head, _, body = attacks.answer(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert json.loads(body) == {"error": "A header is too long: expected at most 8192 bytes."}
