"""The gateway as a client of a model server that speaks TLS and wants to know who asks."""

import contextlib
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from serving.gateway.app import create_app
from serving.gateway.settings import SettingsError, load
from serving.http_bounds.limits import HttpLimits
from serving.http_bounds.protocol import RefusalAnswer, bounded
from serving.http_bounds.server import HttpServer as TlsServer
from serving.tls.errors import TlsError
from serving.tls.server import ServerFiles, server_tls
from tests.serving.gateway.conftest import TAXI_SETTINGS, sample, settings
from tests.serving.gateway.http_server import HttpServer
from tests.serving.gateway.scripted_model import ScriptedModel
from tests.serving.tls.authority import Authority, Issued

Start = Callable[..., httpx.Client]


class Clients:
    """TLS of the model server: it takes clients of one CA."""

    def __init__(self, issued: Issued, ca: Path):
        files = ServerFiles(certificate=issued.certificate, key=issued.key, client_ca=ca)
        self._watched = server_tls(files)
        self.failures: list[str] = []

    def context(self, port: int) -> ssl.SSLContext:
        return self._watched.value.context

    def note_failure(self, port: int, client: str, reason: str) -> None:
        self.failures.append(reason)


@pytest.fixture
def servers(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "servers")


@pytest.fixture
def clients(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "clients")


@pytest.fixture
def tls(servers: Authority, clients: Authority) -> Clients:
    return Clients(servers.issue("model", "127.0.0.1", "model.example.com"), clients.certificate)


@pytest.fixture
def model_url(tls: Clients, model: ScriptedModel) -> Iterator[str]:
    http = bounded(HttpLimits(), lambda refusal: RefusalAnswer("text/plain", b""))
    config = uvicorn.Config(model, http=http, ws="none", log_config=None, timeout_graceful_shutdown=5)
    with HttpServer(model, server=TlsServer(config, tls)) as running:
        yield running.url.replace("http://", "https://")


@pytest.fixture
def start_gateway(model_url: str) -> Iterator[Start]:
    """Starts a gateway before that model server; fields of model.tls."""
    with contextlib.ExitStack() as stack:

        def started(server: str = model_url, **fields: object) -> httpx.Client:
            flags = {f"model.tls.{name}": str(value) for name, value in fields.items()}
            app = create_app(settings(server, flags), {})
            running = stack.enter_context(HttpServer(app))
            return stack.enter_context(httpx.Client(base_url=running.url, timeout=10))

        yield started


def test_both_show_who_they_are(
    start_gateway: Start, servers: Authority, clients: Authority, trip: dict[str, Any]
) -> None:
    own = clients.issue("gateway", days=10)
    gateway = start_gateway(ca=servers.certificate, certificate=own.certificate, key=own.key)
    assert gateway.post("/v1/tip", json=trip).status_code == 200
    assert 9.9 * 86400 < sample(gateway, "tls_certificate_expiry_seconds", use="model") < 10 * 86400


def test_a_gateway_that_the_server_does_not_know(
    start_gateway: Start, servers: Authority, clients: Authority, tls: Clients, trip: dict[str, Any], tmp_path: Path
) -> None:
    unknown, late = Authority(tmp_path / "unknown").issue("gateway"), clients.issue("late", days=-1)
    for own, reason in ((None, "no_client_certificate"), (unknown, "bad_client_certificate")):
        pair = {"certificate": own.certificate, "key": own.key} if own else {}
        gateway = start_gateway(ca=servers.certificate, **pair)
        assert gateway.post("/v1/tip", json=trip).status_code == 503
        assert set(tls.failures) == {reason}
        tls.failures.clear()
    with pytest.raises(TlsError, match=r"late\.crt has expired"):
        start_gateway(ca=servers.certificate, certificate=late.certificate, key=late.key)


def test_a_server_that_the_gateway_does_not_know(
    start_gateway: Start, servers: Authority, clients: Authority, model: ScriptedModel, trip: dict[str, Any]
) -> None:
    own = clients.issue("gateway")
    pair = {"certificate": own.certificate, "key": own.key}
    for fields in (
        {},  # by this system's CAs
        {"ca": clients.certificate},
        {"ca": servers.certificate, "server_name": "other.example.com"},
    ):
        gateway = start_gateway(**pair, **fields)
        assert gateway.post("/v1/tip", json=trip).status_code == 503
        assert sample(gateway, "gateway_upstream_errors_total", kind="refused") > 0
    assert model.asked == []
    named = start_gateway(**pair, ca=servers.certificate, server_name="model.example.com")
    assert named.post("/v1/tip", json=trip).status_code == 200


def test_plain_http_to_a_tls_port(start_gateway: Start, model_url: str, tls: Clients, trip: dict[str, Any]) -> None:
    gateway = start_gateway(server=model_url.replace("https", "http"))
    assert gateway.post("/v1/tip", json=trip).status_code == 503
    assert set(tls.failures) == {"plain_http"}


def test_a_renewed_certificate_is_shown_from_the_next_connection_on(
    start_gateway: Start, servers: Authority, clients: Authority, tls: Clients, trip: dict[str, Any]
) -> None:
    own = clients.issue("gateway", days=2)
    gateway = start_gateway(ca=servers.certificate, certificate=own.certificate, key=own.key)
    assert gateway.post("/v1/tip", json=trip).status_code == 200
    clients.issue("gateway", days=20)
    assert gateway.post("/v1/tip", json=trip).status_code == 200
    assert sample(gateway, "tls_certificate_expiry_seconds", use="model") > 19 * 86400
    assert tls.failures == []


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"model.tls.ca": "ca.crt"}, "model.tls: expected a model.server that begins with https://, received http://"),
        (
            {"listen.operator_tls.certificate": "a", "listen.operator_tls.key": "b"},
            "listen.operator_tls: expected the table listen.tls and the port listen.operator_port, too",
        ),
        ({"listen.tls.certificate": "a"}, "listen.tls.key is missing: expected a value"),
        ({"listen.tls.client_caa": "a"}, "listen.tls.client_caa is unknown: did you mean 'client_ca'?"),
    ],
)
def test_settings_that_contradict_each_other(flags: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load(TAXI_SETTINGS, {}, flags)
    assert said in str(raised.value)


def test_paths_start_at_the_settings_file(tmp_path: Path) -> None:
    text = TAXI_SETTINGS.read_text().replace(
        "[model]", '[listen.tls]\ncertificate = "a.crt"\nkey = "k/a.key"\n\n[model]'
    )
    (tmp_path / "taxi.toml").write_text(text)
    found = load(tmp_path / "taxi.toml", {}, {"contract": "c", "model.server": "https://m:1", "model.tls.ca": "ca.crt"})
    assert found.listen.tls is not None
    assert found.model.tls is not None
    assert (found.listen.tls.certificate, found.listen.tls.key) == (tmp_path / "a.crt", tmp_path / "k" / "a.key")
    assert found.model.tls.ca == Path.cwd() / "ca.crt"
