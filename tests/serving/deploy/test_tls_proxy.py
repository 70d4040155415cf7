"""HAProxy itself, with the files that compose and Kubernetes give it, between a gateway and a model server."""

import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serving import contract as contracts
from serving.gateway.app import create_app
from tests.serving.deploy.files import DEPLOY
from tests.serving.gateway.conftest import TAXI_CONTRACT, sample, settings
from tests.serving.gateway.http_server import HttpServer
from tests.serving.gateway.scripted_model import ScriptedModel
from tests.serving.running_server import free_ports
from tests.serving.tls.authority import Authority, Issued

pytestmark = [pytest.mark.haproxy, pytest.mark.slow, pytest.mark.one_stack]

CONTRACT = contracts.read(TAXI_CONTRACT)


class Proxy:
    """HAProxy as run.sh runs it, on free ports; looks for other certificates five times a second."""

    def __init__(self, folder: Path, target: int):
        self.ca = Authority(folder / "ca")
        self.folder = folder / "certificates"
        self.folder.mkdir()
        self.renew()
        self.rest, self.grpc = free_ports(2)
        text = (DEPLOY / "tls_proxy" / "haproxy.cfg").read_text()
        for port, free in ((8443, self.rest), (8444, self.grpc), (8501, target), (8500, target)):
            text = text.replace(f":{port}", f":{free}")
        (folder / "haproxy.cfg").write_text(text)
        self.log = folder / "log"
        environ = os.environ | {"TARGET": "127.0.0.1", "CERTIFICATES": str(self.folder), "RELOAD_SECONDS": "0.2"}
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                ["/bin/sh", DEPLOY / "tls_proxy" / "run.sh", folder / "haproxy.cfg"],
                env=environ, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    def renew(self) -> Issued:
        issued = self.ca.issue("server", "127.0.0.1", "model-server")
        shutil.copy(self.ca.certificate, self.folder / "ca.crt")
        shutil.copy(issued.key, self.folder / "tls.key")
        shutil.copy(issued.certificate, self.folder / "tls.crt")
        return issued

    def serial(self, own: Issued) -> str | None:
        """The serial number of the certificate that a new connection gets; None: there is no connection yet."""
        context = ssl.create_default_context(cafile=self.ca.certificate)
        context.load_cert_chain(*own.pair)
        with (
            contextlib.suppress(ConnectionError),
            socket.create_connection(("127.0.0.1", self.rest), 5) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
        ):
            return str(secured.getpeercert()["serialNumber"])  # type: ignore[index]
        return None

    def wait_for(self, what: object) -> None:
        """Returns when the function says so."""
        end = time.monotonic() + 20
        while not what():  # type: ignore[operator]
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    with HttpServer(ScriptedModel(CONTRACT)) as model:
        proxy = Proxy(tmp_path, model.port)
        try:
            yield proxy
        finally:
            os.killpg(proxy.process.pid, signal.SIGKILL)
            proxy.process.wait()


def test_from_the_gateway_through_haproxy(proxy: Proxy) -> None:
    own = proxy.ca.issue("gateway-client")
    proxy.wait_for(lambda: proxy.serial(own))
    files = {"ca": proxy.ca.certificate, "certificate": own.certificate, "key": own.key}
    for given, status in ((files, 200), ({"ca": proxy.ca.certificate}, 503)):
        flags = {f"model.tls.{name}": str(path) for name, path in given.items()}
        app = create_app(settings(f"https://127.0.0.1:{proxy.rest}", flags), {})
        with HttpServer(app) as running, httpx.Client(base_url=running.url) as client:
            assert client.post("/v1/tip", json=dict(CONTRACT.example)).status_code == status
            assert (sample(client, "gateway_upstream_seconds_count") == 0) == (status == 503)


def test_a_renewed_certificate_and_the_end(proxy: Proxy) -> None:
    own = proxy.ca.issue("client")
    proxy.wait_for(lambda: proxy.serial(own))
    first = proxy.serial(own)
    proxy.renew()
    proxy.wait_for(lambda: proxy.serial(own) not in (None, first))
    second = proxy.serial(own)
    (proxy.folder / "tls.key").write_text("broken")
    proxy.wait_for(lambda: "tls.crt" in proxy.log.read_text() or "tls.key" in proxy.log.read_text())
    assert proxy.serial(own) == second, "what was there before stays in use"
    proxy.process.terminate()
    assert proxy.process.wait(10) == 0
