import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipelines.replay.span_rows import SentRow
from pipelines.replay.traffic import ask

WRONG = {"row": 0, "field": "channel", "expected": 'one of "app", "shop"', "received": '"fax"'}


class Refusing(BaseHTTPRequestHandler):
    """A gateway that refuses every row: with the field that is wrong, or without."""

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        errors = [WRONG] if "fax" in json.dumps(sent) else []
        body = json.dumps({"code": "invalid_rows", "detail": "too large", "errors": errors}).encode()
        self.send_response(422)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_equal_faults_have_equal_words_so_that_they_are_counted_together(url: str) -> None:
    rows = [SentRow(features={"channel": channel}, outcome=1) for channel in ("fax", "fax", "app")]
    asked = ask(url, "return", rows)
    assert (asked.answers, asked.failed) == ([], [])
    assert sorted(asked.refused) == ['channel: expected one of "app", "shop", received "fax"'] * 2 + ["too large"]
