"""What goes over the wire, and a server that says nothing."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from components.candidate_serving import transports
from components.candidate_serving.candidate_server import Address, CandidateServerError
from components.candidate_serving.transports import TRANSPORTS, CandidateClient, RequestBatch, TransportPredictions

pytestmark = pytest.mark.slow

ROWS = RequestBatch(
    examples=np.array([b"a", b"b"], dtype=object),
    columns={
        "fare": np.float32([0.1, np.nan]),
        "hour": np.int64([7, -(2**53)]),
        "company": np.array(["é".encode(), b"\xff\x00"], dtype=object),
    },
)


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@contextlib.contextmanager
def answering(response: bytes) -> Iterator[int]:
    """A port that answers one HTTP request with these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(response)
                connection.shutdown(socket.SHUT_WR)
                # A socket closed with bytes unread resets the connection, and the client may see that first.
                while connection.recv(1 << 16):
                    pass

        thread = threading.Thread(target=answer)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def asked(port: int, transport: str) -> np.ndarray:
    address = Address(model="m", grpc_port=port, rest_port=port)
    with CandidateClient(address, 0.5) as client, transports.errors_named(transport):
        return TRANSPORTS[transport](client, ROWS)


def test_no_proxy_is_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as proxy, silent() as port:
        for name in ("grpc_proxy", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        for transport in TRANSPORTS:
            with pytest.raises(CandidateServerError):
                asked(port, transport)
        proxy.settimeout(0.2)
        with pytest.raises(TimeoutError):
            proxy.accept()


def test_plain_values_as_json_has_them() -> None:
    plain = transports._to_json_columns(ROWS.columns)
    assert plain["hour"] == [7, -9007199254740992]
    assert plain["company"] == ["é", {"b64": "/wA="}]
    assert np.float32(plain["fare"][0]) == np.float32(0.1)
    assert plain["fare"][1] != plain["fare"][1], "NaN"


def test_a_part_of_the_rows() -> None:
    assert len(ROWS) == 2
    part = ROWS[1:2]
    assert part.examples.tolist() == [b"b"]
    assert part.columns["hour"].tolist() == [-(2**53)]


@pytest.mark.parametrize(
    ("transport", "said"),
    [
        ("REST rows", "REST rows: TimeoutError: timed out"),
        ("REST columns", "REST columns: TimeoutError: timed out"),
        ("gRPC examples", "gRPC examples: DEADLINE_EXCEEDED: "),
        ("gRPC columns", "gRPC columns: DEADLINE_EXCEEDED: "),
    ],
)
def test_a_server_that_does_not_answer(transport: str, said: str) -> None:
    with silent() as port, pytest.raises(CandidateServerError) as error:
        asked(port, transport)
    assert str(error.value).startswith(said)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
WRONG = {
    "no HTTP": (b"hello\r\n", "BadStatusLine: hello\r\n"),
    "no JSON": (HEAD % 2 + b"so", "JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
    "no predictions": (HEAD % 2 + b"{}", "KeyError: 'predictions'"),
    "a list": (HEAD % 2 + b"[]", "TypeError: list indices must be integers or slices, not str"),
    "half a body": (HEAD % 9 + b"{}", "IncompleteRead: IncompleteRead(2 bytes read, 7 more expected)"),
    "an error": (
        b'HTTP/1.1 429 Too Many Requests\r\nContent-Length: 16\r\n\r\n{"error":"full"}',
        '429 {"error":"full"}',
    ),
}


@pytest.mark.parametrize(("response", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_server_that_answers_something_else(response: bytes, said: str) -> None:
    with answering(response) as port, pytest.raises(CandidateServerError) as error:
        asked(port, "REST rows")
    assert str(error.value) == f"REST rows: {said}"


@pytest.mark.parametrize(
    ("predictions", "received"),
    [
        (np.float32([[0.5]]), "float32 [1, 1]"),
        (np.float32([[0.5]] * 3), "float32 [3, 1]"),
        (np.float32(0.5), "float32 []"),
    ],
    ids=["fewer", "more", "one for all"],
)
def test_a_server_that_predicts_another_number_of_rows(
    monkeypatch: pytest.MonkeyPatch, predictions: np.ndarray, received: str
) -> None:
    monkeypatch.setattr(transports, "TRANSPORTS", {"REST rows": lambda client, rows: predictions})
    address = Address(model="m", grpc_port=1, rest_port=1)
    with CandidateClient(address, 0.5) as client, pytest.raises(CandidateServerError) as error:
        transports.predict(client, ROWS, 2, [])
    assert str(error.value).startswith(
        f"REST rows: expected a prediction for each of 2 rows, received {received}; look for what "
    )


def test_nobody_there() -> None:
    with silent() as port:
        pass
    with pytest.raises(CandidateServerError, match="REST rows: ConnectionRefusedError: "):
        asked(port, "REST rows")
    with pytest.raises(CandidateServerError, match="gRPC columns: UNAVAILABLE: "):
        asked(port, "gRPC columns")


def test_what_was_predicted_for_some_of_the_rows() -> None:
    """Rows 1, 3 and 4 were requested one by one, too."""
    batched, single = np.float32([[0], [1], [2], [3], [4]]), np.float32([[1], [3], [4]])
    predictions = TransportPredictions(
        batched={"REST rows": batched}, sample=[1, 3, 4], single={"REST rows": single}, seconds={"REST rows": [5, 6, 7]}
    )
    some = predictions.of(np.array([0, 3, 4]))
    assert some.batched["REST rows"].ravel().tolist() == [0, 3, 4]
    assert (some.sample, some.single["REST rows"].ravel().tolist(), some.seconds["REST rows"]) == (
        [1, 2],
        [3, 4],
        [6, 7],
    )
    none = predictions.of(np.array([0, 2]))
    assert (none.sample, len(none.single["REST rows"]), none.seconds["REST rows"]) == ([], 0, [])
