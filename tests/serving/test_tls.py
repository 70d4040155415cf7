"""A roll-out with mTLS on every port, an API key and signed versions: command, real model server, gateway, client.

And the trace of a request through both, and its id in the model server's log.
"""

import contextlib
import dataclasses
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serving.cli.app import app
from serving.cli.usage import execute
from serving.client import Client, ClientFiles, NoAnswerError, Patience, UnauthorizedError
from serving.gateway.app import create_app
from serving.gateway.process import http_server
from serving.gateway.settings import load
from tests.serving.gateway.http_server import HttpServer
from tests.serving.rollout import models
from tests.serving.running_server import RunningServer, running
from tests.serving.signing.signed_models import Key
from tests.serving.tls.authority import Authority, Issued
from tests.serving.tracing.collector import Collector, Span

pytestmark = pytest.mark.pipeline

KEY = "0123456789abcdef"
ROW = {"fare": 20.0, "company": "Blue"}
SETTINGS = """
endpoint = "tip"
title = "Tips"
probability_of = "a tip"
contract = "contract.pbtxt"

[listen.tls]
certificate = "{server.certificate}"
key = "{server.key}"
client_ca = "{clients}"

[model]
name = "taxi"
server = "https://127.0.0.1:{rest_port}"
resolve_seconds = 0.001

[model.tls]
ca = "{servers}"
certificate = "{gateway.certificate}"
key = "{gateway.key}"
"""


@dataclasses.dataclass(frozen=True)
class Site:
    """Two CAs, the certificates of everyone, the model server, and a model with two versions; one that was altered."""

    folder: Path
    servers: Authority
    clients: Authority
    operator: Issued
    server: RunningServer
    collector: Collector
    collector_url: str

    def rollout(self, *command: str, tls: bool = True) -> int:
        options = [
            *("--model-config-file", str(self.folder / "models.config"), "--timeout", "60", "--drain", "0"),
            *("--server", f"127.0.0.1:{self.server.port}:{self.server.rest_port}"),
            *("--verify-keys", str(self.folder / "keys")),
        ]
        if tls:
            options += ["--tls-ca", str(self.servers.certificate)]
            options += ["--tls-certificate", str(self.operator.certificate), "--tls-key", str(self.operator.key)]
        return execute(app, ["rollout", *options, *command])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    servers, clients = Authority(folder / "servers"), Authority(folder / "clients")
    own = servers.issue("model-server")
    models.save(folder / "taxi" / "1", 0.9)
    key = Key()
    key.write_public(folder / "keys" / "key.pem")
    for version in ("2", "3"):
        shutil.copytree(folder / "taxi" / "1", folder / "taxi" / version)
    for version in ("1", "2", "3"):
        key.sign(folder / "taxi" / version, "taxi")
    with (folder / "taxi" / "3" / "saved_model.pb").open("ab") as model:
        model.write(b"\0")
    (folder / "contract.pbtxt").write_text(models.CONTRACT)
    base = f'name: "taxi" base_path: "{folder}/taxi" model_platform: "tensorflow"'
    (folder / "models.config").write_text(
        f"model_config_list {{ config {{ {base} model_version_policy {{ specific {{ versions: 1 }} }} "
        'version_labels { key: "stable" value: 1 } } }'
    )
    flags = (
        f"--model_config_file={folder / 'models.config'}", "--allow_version_labels_for_unavailable_models=true",
        f"--tls_certificate_file={own.certificate}", f"--tls_key_file={own.key}",
        f"--tls_client_ca_file={clients.certificate}", f"--verify_keys={folder / 'keys'}",
    )  # fmt: skip
    collector = Collector()
    with HttpServer(collector) as receiving, running(folder, *flags, f"--tracing_endpoint={receiving.url}") as server:
        yield Site(folder, servers, clients, clients.issue("operator"), server, collector, receiving.url)


@contextlib.contextmanager
def gateway(site: Site) -> Iterator[str]:
    path = site.folder / "gateway.toml"
    path.write_text(
        SETTINGS.format(
            server=site.servers.issue("gateway"), gateway=site.clients.issue("gateway"),
            clients=site.clients.certificate, servers=site.servers.certificate, rest_port=site.server.rest_port,
        )
    )  # fmt: skip
    flags = {"traffic": str(site.folder / "traffic.json"), "tracing.endpoint": site.collector_url}
    settings = load(path, {}, flags)
    application = create_app(settings, {"GATEWAY_API_KEYS": f"app:{KEY}"})
    with HttpServer(application, server=http_server(application, settings)) as running_gateway:
        yield running_gateway.url.replace("http://", "https://")


def test_canary_promote_and_rollback(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    own = site.clients.issue("caller")
    tls = ClientFiles(ca=site.servers.certificate, certificate=own.certificate, key=own.key)
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(gateway(site))
        client = stack.enter_context(Client(url, endpoint="tip", api_key=KEY, tls=tls))

        def answering() -> set[tuple[str, str | None]]:
            found = [client.predict(ROW) for _ in range(20)]
            return {(each.model_version, each.model_label) for each in found}

        assert answering() == {("1", "stable")}
        assert site.rollout("canary", "2", "--percent", "50") == 0, capsys.readouterr()
        assert answering() == {("1", "stable"), ("2", "canary")}
        assert site.rollout("promote") == 0, capsys.readouterr()
        assert answering() == {("2", "stable")}
        assert site.rollout("canary", "3", "--percent", "50") == 2
        assert "'saved_model.pb' was altered" in capsys.readouterr().err
        assert answering() == {("2", "stable")}
        assert site.rollout("rollback") == 0, capsys.readouterr()
        assert answering() == {("1", "stable")}
        keyless = stack.enter_context(Client(url, endpoint="tip", tls=tls))
        with pytest.raises(UnauthorizedError):
            keyless.predict(ROW)
        strange = ClientFiles(ca=site.servers.certificate)
        patience = Patience(attempts=1)
        unknown = stack.enter_context(Client(url, endpoint="tip", api_key=KEY, tls=strange, patience=patience))
        with pytest.raises(NoAnswerError):
            unknown.predict(ROW)


def test_one_trace_through_both_servers(site: Site) -> None:
    own = site.clients.issue("caller")
    tls = ClientFiles(ca=site.servers.certificate, certificate=own.certificate, key=own.key)
    with gateway(site) as url, Client(url, endpoint="tip", api_key=KEY, tls=tls) as client:
        client.predict(ROW, request_id="traced")
    site.server.wait_for(lambda: len(_servers_of("traced", site.collector)) == 2)
    both = _servers_of("traced", site.collector)
    assert both["gateway"].trace == both["model-server"].trace
    (call,) = [span for span in site.collector.spans if span.id == both["model-server"].parent]
    assert (call.service, call.name, call.trace) == ("gateway", "model call", both["gateway"].trace)


def _servers_of(request: str, collector: Collector) -> dict[str, Span]:
    """Service -> its span of a request's prediction."""
    return {
        span.service: span
        for span in collector.spans
        if span.attributes.get("request.id") == request and span.name == "POST"
    }


def test_the_log_of_the_model_server_names_a_failed_request(site: Site) -> None:
    trust = ssl.create_default_context(cafile=site.servers.certificate)
    trust.load_cert_chain(*site.operator.pair)
    url = f"https://127.0.0.1:{site.server.rest_port}/v1/models/taxi:predict"
    headers = {"X-Request-ID": "it-failed"}
    assert httpx.post(url, json={"instances": [{"fare": "secret"}]}, headers=headers, verify=trust).status_code == 400
    site.server.wait_for_line("Request it-failed: POST /v1/models/taxi:predict ended with INVALID_ARGUMENT")
    assert "secret" not in site.server.log.read_text()


def test_no_port_of_the_model_server_answers_a_stranger(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"https://127.0.0.1:{site.server.rest_port}/v1/models/taxi"
    trust = ssl.create_default_context(cafile=site.servers.certificate)
    with pytest.raises(httpx.TransportError):
        httpx.get(url, verify=trust)
    with pytest.raises(httpx.TransportError):
        httpx.get(url.replace("https", "http"))
    assert site.rollout("status", tls=False) == 1
    assert "no answer from" in capsys.readouterr().out
    assert site.rollout("status", "--tls-ca", str(site.servers.certificate), tls=False) == 1
    assert "no answer from" in capsys.readouterr().out
    site.server.wait_for_line("TLS handshake of")
    log = site.server.log.read_text()
    assert "no_client_certificate" in log
    assert "plain_http" in log


def test_a_certificate_without_its_key_is_refused(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.rollout("status", "--tls-certificate", str(site.operator.certificate), tls=False) == 2
    assert "expected certificate and key, or neither, received only certificate" in capsys.readouterr().err
