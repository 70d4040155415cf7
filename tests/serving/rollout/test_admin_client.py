"""Answers that are no predictions, from a server that speaks HTTP and little else."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from serving.rollout.admin_client import AdminClient, PredictError


class _Server(http.server.ThreadingHTTPServer):
    body = b""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def http_server() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Handler) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def ask(server: _Server, body: bytes) -> list[list[float]]:
    server.body = body
    with AdminClient(host="127.0.0.1", grpc_port=1, rest_port=server.server_port, model="taxi", timeout=30) as client:
        return client.predict("/labels/canary", "serving_raw", {"fare": [1, 2]}).predictions


@pytest.mark.parametrize("body", [
    b"<html>a proxy's page</html>", b"", b"\xff", b"[]", b'{"predictions": [1, 2]}', b'{"outputs": null}',
    b'{"outputs": {"a": [1, 2], "b": [1, 2]}}', b'{"outputs": ["x", "y"]}', b'{"outputs": [1]}',
    b'{"outputs": [[], []]}', b'{"outputs": [1, NaN]}', b'{"outputs": [1, 1' + b"0" * 400 + b"]}",
])  # fmt: skip
def test_what_is_no_prediction_is_a_predict_error(http_server: _Server, body: bytes) -> None:
    with pytest.raises(PredictError, match=r"expected (one output of numbers|2 rows of finite numbers), received"):
        ask(http_server, body)


@pytest.mark.parametrize("body", [b'{"outputs": [1, 2]}', b'{"outputs": [[1], [2]]}', b'{"outputs": {"a": [1, 2]}}'])
def test_rows_of_numbers(http_server: _Server, body: bytes) -> None:
    assert ask(http_server, body) == [[1], [2]]
