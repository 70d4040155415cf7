"""Whatever comes in over HTTP: an answer that is no 5xx, and a server that answers the next request."""

import base64
import gzip
import json
import re
import socket
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving.running_server import RunningServer
from tests.serving.server.conftest import DTYPES, MONITORING_PATH

pytestmark = pytest.mark.pipeline
PROPERTY = settings(
    max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
UNIMPLEMENTED = 501  # what TensorFlow Serving says of a dtype that JSON cannot spell

NUMBERS = st.integers() | st.integers(-(2**70), 2**70) | st.floats()
STRINGS = st.text() | st.builds(lambda text: {"b64": text}, st.text() | st.binary().map(lambda b: b.hex()))
VALUES = st.none() | st.booleans() | NUMBERS | STRINGS
KEYS = st.sampled_from(["value", "number", "word", "x", "b64", "examples"]) | st.text(max_size=3)
TREES = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=15
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "signature_name": st.sampled_from(["serving_default", "sums", "regress_x", "classify_labels"]) | TREES,
        "instances": TREES | st.lists(st.fixed_dictionaries({"number": VALUES, "word": VALUES}), max_size=3),
        "inputs": TREES | st.fixed_dictionaries({"number": TREES, "word": TREES}),
        "examples": TREES | st.lists(st.dictionaries(KEYS, VALUES | st.lists(VALUES, max_size=3)), max_size=3),
        "context": TREES,
    },
)
# Of `failing` the model itself fails, and of `waiting` nobody opens the gate.
MODELS = st.sampled_from([*DTYPES, "bools", "halves", "line", "pair", "counter", "nobody"])
VERBS = st.sampled_from(["predict", "predict", "classify", "regress"])

WORDS = st.text() | st.binary().map(lambda data: {"b64": base64.b64encode(data).decode()})
INT32 = st.integers(-(2**31), 2**31 - 1)
# What the models take: path and verb, the key of the rows, the rows, and what else stands beside them.
SOUND = st.one_of(
    st.tuples(st.just("line:predict"), st.just("instances"), st.lists(NUMBERS, min_size=1), st.just({})),
    st.tuples(st.just("longs:predict"), st.just("inputs"), st.lists(st.integers(-(2**63), 2**63 - 1)), st.just({})),
    st.tuples(
        st.just("pair:predict"),
        st.just("instances"),
        st.lists(st.fixed_dictionaries({"number": INT32, "word": WORDS}), min_size=1),
        st.just({}) | st.just({"signature_name": "serving_default"}),
    ),
    st.tuples(
        st.sampled_from(["line:regress", "line/labels/stable:regress"]),
        st.just("examples"),
        st.lists(st.fixed_dictionaries({}, optional={"x": st.floats(), "other": WORDS}), min_size=1),
        st.just({"signature_name": "regress_x"}) | st.just({"signature_name": "regress_x", "context": {"x": 1.5}}),
    ),
    st.tuples(
        st.just("line/versions/3:classify"),
        st.just("examples"),
        st.lists(st.fixed_dictionaries({"x": st.floats()}), min_size=1),
        st.sampled_from([{"signature_name": "classify_labels"}, {"signature_name": "classify_scores"}]),
    ),
)


@pytest.fixture(scope="module")
def http(rest_server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=rest_server.url, timeout=60) as client:
        yield client


def check(http: httpx.Client, response: httpx.Response) -> None:
    """Fails if the answer is the server's fault, or not what its type says; or if the server is no longer well."""
    assert response.status_code < 500 or response.status_code == UNIMPLEMENTED, response.text
    if response.status_code != 200:
        assert set(response.json()) == {"error"}
    still_well(http)


def still_well(http: httpx.Client) -> None:
    answer = http.post("/v1/models/line/versions/3:predict", content=b'{"instances": [2]}')
    assert (answer.status_code, answer.json()) == (200, {"predictions": [6.5]})


@PROPERTY
@given(SOUND)
def test_what_fits_is_answered_row_by_row(http: httpx.Client, asked: tuple[str, str, list[object], object]) -> None:
    path, key, rows, more = asked
    response = http.post(f"/v1/models/{path}", content=json.dumps({key: rows} | more))  # type: ignore[operator]
    assert response.status_code == 200, response.text
    (answers,) = json.loads(response.content.decode(errors="replace")).values()
    assert len(answers) == len(rows)


@PROPERTY
@given(SOUND, DOCUMENTS)
def test_what_almost_fits(http: httpx.Client, asked: tuple[str, str, list[object], object], other: object) -> None:
    path, key, rows, more = asked
    document = {key: rows} | more | other  # type: ignore[operator]
    check(http, http.post(f"/v1/models/{path}", content=json.dumps(document)))
    rows = [*rows, *other.values()]  # type: ignore[attr-defined]
    check(http, http.post(f"/v1/models/{path}", content=json.dumps({key: rows} | more)))  # type: ignore[operator]


@PROPERTY
@given(MODELS, VERBS, DOCUMENTS)
def test_documents(http: httpx.Client, model: str, verb: str, document: object) -> None:
    body = json.dumps(document, ensure_ascii=False).encode(errors="replace")
    check(http, http.post(f"/v1/models/{model}:{verb}", content=body))


@PROPERTY
@given(st.data())
def test_what_an_echo_takes_it_gives_back(http: httpx.Client, data: st.DataObject) -> None:
    """Column answers of the echo models are columns again, and mean the same."""
    model = data.draw(st.sampled_from([*DTYPES, "bools"]))
    response = http.post(f"/v1/models/{model}:predict", content=json.dumps({"inputs": data.draw(TREES)}).encode())
    check(http, response)
    if response.status_code == 200 and model != "texts":  # bytes may be no text
        again = http.post(f"/v1/models/{model}:predict", content=json.dumps({"inputs": response.json()["outputs"]}))
        assert again.text == response.text


@PROPERTY
@given(MODELS, VERBS, st.binary(max_size=200) | st.text(alphabet='{}[]":,0123456789.eE-\\u nulltrfas', max_size=60))
def test_bytes(http: httpx.Client, model: str, verb: str, body: bytes | str) -> None:
    check(http, http.post(f"/v1/models/{model}:{verb}", content=body.encode() if isinstance(body, str) else body))


@PROPERTY
@given(st.integers(1, 50_000), st.sampled_from(["[", '{"a":', '[{"b64":', "[["]), st.booleans())
def test_nesting(http: httpx.Client, depth: int, opening: str, closed: bool) -> None:
    closing = "".join({"[": "]", "{": "}"}[bracket] for bracket in reversed(opening) if bracket in "[{")
    value = opening * depth + "1" + (closing * depth if closed else "")
    for key in ("instances", "inputs", "signature_name"):
        check(http, http.post("/v1/models/floats:predict", content=f'{{"{key}": {value}}}'))


@PROPERTY
@given(
    st.sampled_from(["gzip", "GZIP, br", "br", "deflate", "", "identity", "gzip, gzip"]),
    st.sampled_from(["application/json", "", "text/plain; charset=utf-16", "multipart/form-data"]),
    st.booleans(),
    st.binary(max_size=20),
    st.integers(0, 60),
)
def test_encodings(http: httpx.Client, encoding: str, kind: str, packed: bool, tail: bytes, end: int) -> None:
    body = b'{"instances": [2]}'
    body = (gzip.compress(body) if packed else body)[:end] + tail
    check(
        http,
        http.post(
            "/v1/models/line:predict", content=body, headers={"Content-Encoding": encoding, "Content-Type": kind}
        ),
    )


PIECES = ["/", "models", "line", "versions", "labels", "stable", "3", "9" * 20, ":", "predict", "metadata"]
ODD_PIECES = ["%", "%2F", "%00", "%FF", "%C3%BC", "?", "a=b", ";", "..", "//", "~", "@", "{}", MONITORING_PATH]
TARGETS = st.lists(st.sampled_from(PIECES + ODD_PIECES), max_size=12).map("".join) | st.text(
    alphabet=st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#")
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "LOCK"])


def send(server: RunningServer, request: bytes) -> bytes:
    """What the server says to these bytes, when nothing more is coming."""
    with socket.create_connection(("127.0.0.1", server.rest_port), timeout=60) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"^HTTP/1\.1 (\d{3}) ", answer, re.MULTILINE)]


@PROPERTY
@given(METHODS, TARGETS, st.sampled_from([b"", b'{"instances": [2]}']))
def test_targets(http: httpx.Client, rest_server: RunningServer, method: str, target: str, body: bytes) -> None:
    head = f"{method} /v1/{target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    (status,) = statuses(send(rest_server, head.encode("latin-1") + body))
    assert status < 500 or status == UNIMPLEMENTED
    still_well(http)


HEADERS = st.sampled_from(
    f"""Host: x|Content-Length: 18|Content-Length: -1|Content-Length: 99|Content-Length: {"9" * 30}
    |Transfer-Encoding: chunked|Transfer-Encoding: gzip|Content-Encoding: gzip|Expect: 100-continue|Origin: http://a
    |Upgrade: websocket|Connection: Upgrade|Connection: close|Accept-Encoding: gzip|Cookie: \xff|: empty|no colon
    |X: {"y" * 9000}""".replace("\n    ", "").split("|")
)


@PROPERTY
@given(
    st.sampled_from(
        ["POST /v1/models/line:predict HTTP/1.1", "GET /v1/models/line HTTP/1.1", "GET /v1/models HTTP/3.7"]
    )
    | st.sampled_from(["POST /v1/models/line:predict HTTP/1.0", "GET http://h/v1/models/line HTTP/1.1", "CONNECT a:1"])
    | st.text(max_size=20),
    st.lists(HEADERS, max_size=5),
    st.sampled_from([b"", b'{"instances": [2]}', b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\n"]) | st.binary(max_size=50),
)
def test_messages(http: httpx.Client, rest_server: RunningServer, line: str, headers: list[str], body: bytes) -> None:
    message = "\r\n".join([line, *headers, "", ""]).encode("latin-1", errors="replace") + body
    assert all(status < 500 or status == UNIMPLEMENTED for status in statuses(send(rest_server, message)))
    still_well(http)


def test_none_of_it_was_an_error_of_the_server(rest_server: RunningServer) -> None:
    assert "Traceback" not in rest_server.log.read_text()
