"""How a candidate's server starts, and what is said when it does not.

Scripts stand in for the server, which takes seconds to start; the real one runs in tests/components/skew_gate.
"""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from components.candidate_serving import candidate_server
from components.candidate_serving.candidate_server import Address, CandidateServer, CandidateServerError

PATIENCE = 60.0  # seconds

# Listens as the embedded server does, and ends as it does when a port is taken.
LISTENS = """
import http.server, socket, sys

flags = dict(flag.removeprefix("--").split("=", 1) for flag in sys.argv[1:])

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == f"/v1/models/{flags['model_name']}/metadata" else 404)
        self.end_headers()

try:
    grpc = socket.create_server(("127.0.0.1", int(flags["port"])))
    server = http.server.HTTPServer(("127.0.0.1", int(flags["rest_api_port"])), Handler)
except OSError as error:
    print(f"Failed to start server. Error: {error}", file=sys.stderr)
    sys.exit(2)
server.serve_forever()
"""

Serve = Callable[[str], CandidateServer]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Makes a server of a script, which notes each of its starts."""

    def serve(code: str) -> CandidateServer:
        script = tmp_path / "server.py"
        script.write_text(f"open({str(tmp_path / 'starts')!r}, 'a').write('.')\n{code}")
        monkeypatch.setattr(candidate_server, "_PROGRAM", (str(script),))
        return CandidateServer(tmp_path / "versions", tmp_path)

    return serve


def starts(folder: Path) -> int:
    return len((folder / "starts").read_text())


def wait(server: CandidateServer, seconds: float = PATIENCE) -> Address:
    with server:
        return server.wait_until_ready(seconds)


def test_it_is_ready_when_rest_knows_the_model(serve: Serve, tmp_path: Path) -> None:
    address = wait(serve(LISTENS))
    assert address.model.startswith("candidate-")
    assert address.grpc_port != address.rest_port
    assert starts(tmp_path) == 1


def test_a_server_of_another_model_is_not_this_one(serve: Serve) -> None:
    with pytest.raises(CandidateServerError, match=r"^the model server was not ready after 0.5 s$"):
        wait(serve(LISTENS.replace("['model_name']", "['port']")), 0.5)


@pytest.mark.slow
def test_a_port_that_was_taken_in_between(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free_ports = candidate_server._free_ports
    with socket.create_server(("127.0.0.1", 0)) as taken:
        offers = [[*free_ports(1), taken.getsockname()[1]], free_ports(2)]
        second = offers[1].copy()
        monkeypatch.setattr(candidate_server, "_free_ports", lambda count: offers.pop(0))
        address = wait(serve(LISTENS))
    assert [address.grpc_port, address.rest_port] == second
    assert starts(tmp_path) == 2


@pytest.mark.slow
def test_a_server_whose_ports_are_always_taken(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [*candidate_server._free_ports(1), taken.getsockname()[1]]
        monkeypatch.setattr(candidate_server, "_free_ports", lambda count: ports)
        with pytest.raises(CandidateServerError, match=r"Address already in use.* \(exit status 2\)$"):
            wait(serve(LISTENS))
    assert starts(tmp_path) == 3


def test_a_server_that_dies(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(CandidateServerError, match=r"^no more memory \(exit status 9\)$"):
        wait(serve("import os\nprint('no more memory', flush=True)\nos._exit(9)"))
    assert starts(tmp_path) == 1, "no port was taken: another attempt would end the same way"


def test_a_server_that_says_why_in_several_lines(serve: Serve) -> None:
    code = "import sys\nsys.exit('loading\\nFailed to start server. Error: no\\n  variables\\n')"
    with pytest.raises(CandidateServerError, match=r"^Failed to start server\. Error: no variables \(exit status 1\)$"):
        wait(serve(code))


def test_a_server_that_hangs(serve: Serve) -> None:
    with pytest.raises(CandidateServerError, match=r"^the model server was not ready after 0.2 s$"):
        wait(serve("import threading\nthreading.Event().wait()"), 0.2)
