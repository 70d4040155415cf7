"""The gateway's ports over TLS: who is answered, who is refused, and certificates that change while it runs."""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.gateway.app import create_app
from serving.gateway.process import http_server
from serving.gateway.tls import warn_of_open_keys
from serving.tls.errors import TlsError
from tests.serving.gateway.conftest import sample, settings
from tests.serving.gateway.http_server import HttpServer
from tests.serving.tls.authority import Authority, Issued

Start = Callable[..., str]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture
def server(tmp_path: Path) -> Authority:
    """A CA whose files the test may change."""
    return Authority(tmp_path / "server")


@pytest.fixture
def start(model_server: HttpServer, model: Any) -> Iterator[Start]:
    """Starts a gateway over TLS; its URL."""
    with contextlib.ExitStack() as stack:

        def started(issued: Issued, flags: dict[str, Any] | None = None) -> str:
            given = {"listen.tls.certificate": str(issued.certificate), "listen.tls.key": str(issued.key)}
            configured = settings(model_server.url, given | (flags or {}))
            app = create_app(configured, {})
            running = stack.enter_context(HttpServer(app, server=http_server(app, configured)))
            return running.url.replace("http://", "https://")

        yield started


def client(ca: Path, issued: Issued | None = None, **more: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca)
    if issued:
        context.load_cert_chain(*issued.pair)
    return context


def ask(url: str, ca: Authority, issued: Issued | None = None, path: str = "/healthz") -> httpx.Response:
    return httpx.get(url + path, verify=client(ca.certificate, issued), timeout=10)


def test_a_prediction_over_tls(start: Start, server: Authority, trip: dict[str, Any]) -> None:
    url = start(server.issue("gateway"))
    answer = httpx.post(f"{url}/v1/tip", json=trip, verify=client(server.certificate), timeout=10)
    assert answer.status_code == 200
    assert answer.json()["predictions"] == [{"probability": 0.75, "decision": True}]


def test_who_trusts_another_ca_or_expects_another_host_hangs_up(
    start: Start, server: Authority, stranger: Authority
) -> None:
    url = start(server.issue("gateway"))
    with pytest.raises(httpx.ConnectError, match=r"unable to get local issuer certificate|self-signed"):
        ask(url, stranger)
    elsewhere = start(server.issue("elsewhere", "gateway.example.com"))
    with pytest.raises(httpx.ConnectError, match="IP address mismatch"):
        ask(elsewhere, server)


def test_callers_need_a_certificate_of_the_clients_ca(
    start: Start, server: Authority, authority: Authority, stranger: Authority
) -> None:
    url = start(server.issue("gateway"), {"listen.tls.client_ca": str(authority.certificate)})
    assert ask(url, server, authority.issue("caller")).status_code == 200
    for refused in (None, stranger.issue("caller"), authority.issue("late", days=-1)):
        with pytest.raises(httpx.TransportError):
            ask(url, server, refused)
    seen = httpx.get(f"{url}/metrics", verify=client(server.certificate, authority.issue("caller")))
    assert 'tls_failed_handshakes_total{reason="bad_client_certificate",use="listen"} 2.0' in seen.text
    assert 'tls_failed_handshakes_total{reason="no_client_certificate",use="listen"} 1.0' in seen.text


def test_plain_http_ends_at_once(start: Start, server: Authority) -> None:
    url = start(server.issue("gateway"))
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(url.replace("https", "http") + "/healthz", timeout=5)
    assert ask(url, server).status_code == 200


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_oldest_tls_is_1_2(start: Start, server: Authority) -> None:
    url = start(server.issue("gateway"))
    old = client(server.certificate)
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/healthz", verify=old)
    oldest = client(server.certificate)
    oldest.maximum_version = ssl.TLSVersion.TLSv1_2
    with httpx.Client(base_url=url, verify=oldest) as asking:
        assert sample(asking, "tls_failed_handshakes_total", use="listen", reason="old_tls") == 1


def serial(url: str, ca: Path) -> int:
    """The serial number of the certificate that new connections get."""
    parsed = httpx.URL(url)
    with (
        socket.create_connection((parsed.host, parsed.port or 0), 10) as plain,
        client(ca).wrap_socket(plain, server_hostname=parsed.host) as secured,
    ):
        return int(secured.getpeercert()["serialNumber"], 16)  # type: ignore[index,arg-type]


def test_a_changed_certificate_is_used_for_new_connections(start: Start, server: Authority) -> None:
    url = start(server.issue("gateway"))
    first = serial(url, server.certificate)
    with httpx.Client(base_url=url, verify=client(server.certificate), timeout=10) as running:
        opened = running.get("/healthz").extensions["network_stream"]
        server.issue("gateway", days=5)
        assert serial(url, server.certificate) != first
        assert running.get("/healthz").extensions["network_stream"] is opened
        left = sample(running, "tls_certificate_expiry_seconds", use="listen")
        assert 4.9 * 86400 < left < 5 * 86400


def test_a_half_written_pair_changes_nothing_until_it_is_whole(start: Start, server: Authority, caplog: Any) -> None:
    issued = server.issue("gateway")
    url = start(issued)
    first = serial(url, server.certificate)
    other = server.issue("next")
    with httpx.Client(base_url=url, verify=client(server.certificate), timeout=10) as running:
        issued.certificate.write_bytes(other.certificate.read_bytes())
        assert serial(url, server.certificate) == first
        assert sample(running, "tls_certificate_outdated", use="listen") == 1
        assert "gateway.key does not fit" in caplog.text
        caplog.clear()
        issued.key.write_bytes(other.key.read_bytes()[:100])
        assert serial(url, server.certificate) == first
        assert "expected a private key in PEM" in caplog.text
        issued.key.write_bytes(other.key.read_bytes())
        assert serial(url, server.certificate) != first
        assert sample(running, "tls_certificate_outdated", use="listen") == 0


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda issued, other: issued.key.write_bytes(other.key.read_bytes()), r"gateway\.key does not fit"),
        (lambda issued, other: issued.key.unlink(), r"the key .*gateway\.key cannot be read: .* No such file"),
        (lambda issued, other: issued.certificate.write_text("x"), "expected certificates in PEM"),
    ],
)  # fmt: skip
def test_it_does_not_start_with(start: Start, server: Authority, fault: Callable[..., Any], said: str) -> None:
    issued = server.issue("gateway")
    fault(issued, server.issue("other"))
    with pytest.raises(TlsError, match=said):
        start(issued)


def test_it_does_not_start_with_an_expired_certificate(start: Start, server: Authority) -> None:
    with pytest.raises(TlsError, match=r"has expired: expected a certificate valid now, received one valid until 20"):
        start(server.issue("gateway", days=-1))


def test_a_key_that_everybody_may_read_is_warned_of(server: Authority, caplog: Any) -> None:
    own, other = server.issue("gateway"), server.issue("client")
    given = {"listen.tls.certificate": str(own.certificate), "listen.tls.key": str(own.key)}
    to_model = given | {"model.tls.certificate": str(other.certificate), "model.tls.key": str(other.key)}
    tasks = [settings("https://127.0.0.1:1", given), settings("https://127.0.0.1:1", to_model)]
    warn_of_open_keys(tasks)
    assert caplog.text == ""
    own.key.chmod(0o644)
    other.key.chmod(0o644)
    warn_of_open_keys(tasks)
    assert caplog.text.count("gateway.key can be read by every user") == 1
    assert caplog.text.count("client.key can be read by every user") == 1, "of the second task's model server"
