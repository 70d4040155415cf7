"""The certificates of the gRPC port: the files of the flags, an SSLConfig, and what changes while the port is open."""

import argparse
import asyncio
import concurrent.futures
import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import prometheus_client
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from serving.http_bounds.limits import HttpLimits
from serving.server import process, tls
from serving.server.errors import ServingError
from serving.server.options import parse
from serving.tls.errors import TlsError
from serving.tls.metrics import TlsMetrics
from tests.serving.http_bounds.attacks import answer, send
from tests.serving.http_bounds.test_handshake import half_a_hello
from tests.serving.running_server import free_ports
from tests.serving.tls.authority import Authority, Issued

Open = Callable[..., str]


def options(*flags: str) -> argparse.Namespace:
    return parse(["--model_base_path=/m", *flags])


def files(issued: Issued, client_ca: Path | None = None) -> list[str]:
    given = [f"--tls_certificate_file={issued.certificate}", f"--tls_key_file={issued.key}"]
    return [*given, *([f"--tls_client_ca_file={client_ca}"] if client_ca else [])]


def ssl_config(path: Path, issued: Issued, more: str = "") -> str:
    """Writes an SSLConfig; the flag that names it."""
    key, chain = (file.read_text().replace("\n", "\\n") for file in (issued.key, issued.certificate))
    path.write_text(f'server_key: "{key}"\nserver_cert: "{chain}"\n{more}')
    return f"--ssl_config_file={path}"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens the server's gRPC port as the flags say, without models, of which health knows nothing; its address."""
    with contextlib.ExitStack() as stack:

        def open_port(*flags: str, registry: prometheus_client.CollectorRegistry | None = None) -> str:
            (port,) = free_ports(1)
            given = options(*flags, f"--port={port}")
            ports = tls.ports_tls(given, TlsMetrics(registry or prometheus_client.CollectorRegistry()))
            stack.enter_context(_serving(given, ports))
            return f"127.0.0.1:{port}"

        yield open_port


@contextlib.contextmanager
def _serving(given: argparse.Namespace, ports: tls.PortsTls) -> Iterator[None]:
    """The open port, on a loop in a thread of its own."""
    opened: concurrent.futures.Future[None] = concurrent.futures.Future()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        server = await process._open_grpc(given, None, ports)  # type: ignore[arg-type]
        opened.set_result(None)
        await stop.wait()
        await server.stop(None)

    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        done = thread.submit(loop.run_until_complete, serve())
        opened.result(20)
        yield
        loop.call_soon_threadsafe(stop.set)
        done.result(20)
    loop.close()


def check(address: str, ca: Authority, issued: Issued | None = None) -> int:
    """The health that a new connection hears."""
    own = (issued.key.read_bytes(), issued.certificate.read_bytes()) if issued else (None, None)
    credentials = grpc.ssl_channel_credentials(ca.certificate.read_bytes(), *own)
    # Without a pool of its own, gRPC would give this channel the connection of the one before.
    settings = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)]
    with grpc.secure_channel(address, credentials, options=settings) as channel:
        request = health_pb2.HealthCheckRequest(service="tensorflow.serving.PredictionService")
        return int(health_pb2_grpc.HealthStub(channel).Check(request, timeout=5).status)


def refused(address: str, ca: Authority, issued: Issued | None = None) -> str:
    with pytest.raises(grpc.RpcError) as raised:
        check(address, ca, issued)
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    return str(raised.value.details())


def test_who_trusts_the_ca_is_answered(opened: Open, authority: Authority, tmp_path: Path) -> None:
    address = opened(*files(authority.issue("server")))
    assert check(address, authority) == health_pb2.HealthCheckResponse.SERVING
    assert "CERTIFICATE_VERIFY_FAILED" in refused(address, Authority(tmp_path / "stranger"))


def test_clients_need_a_certificate(opened: Open, authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger")
    address = opened(*files(authority.issue("server"), authority.certificate))
    assert check(address, authority, authority.issue("client")) == health_pb2.HealthCheckResponse.SERVING
    for wrong in (None, stranger.issue("client"), authority.issue("late", days=-1)):
        refused(address, authority, wrong)


def test_an_ssl_config_file_as_tensorflow_serving_reads_it(opened: Open, authority: Authority, tmp_path: Path) -> None:
    path, issued = tmp_path / "ssl.config", authority.issue("server")
    assert check(opened(ssl_config(path, issued)), authority) == health_pb2.HealthCheckResponse.SERVING
    ca = authority.certificate.read_text().replace("\n", "\\n")
    address = opened(ssl_config(path, issued, f'custom_ca: "{ca}" client_verify: true'))
    assert check(address, authority, authority.issue("client")) == health_pb2.HealthCheckResponse.SERVING
    refused(address, authority)


def test_changed_files_are_used_for_new_connections(
    opened: Open, authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    registry = prometheus_client.CollectorRegistry()
    issued = authority.issue("server")
    address = opened(*files(issued), registry=registry)
    check(address, authority)
    next_ca = Authority(tmp_path / "next")
    renewed = next_ca.issue("server", days=3)
    issued.certificate.write_bytes(renewed.certificate.read_bytes())
    assert check(address, authority) == health_pb2.HealthCheckResponse.SERVING, "half a pair changes nothing"
    assert "server.key does not fit" in caplog.text
    assert registry.get_sample_value("tls_certificate_outdated", {"use": "grpc"}) == 1
    issued.key.write_bytes(renewed.key.read_bytes())
    assert check(address, next_ca) == health_pb2.HealthCheckResponse.SERVING
    left = registry.get_sample_value("tls_certificate_expiry_seconds", {"use": "grpc"})
    assert left is not None
    assert 2.9 * 86400 < left < 3 * 86400
    assert registry.get_sample_value("tls_certificate_outdated", {"use": "grpc"}) == 0


def test_a_handshake_that_never_ends_is_ended(
    opened: Open, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "HttpLimits", lambda: HttpLimits(handshake_seconds=0.5))
    host, _, port = opened(*files(authority.issue("server"))).partition(":")
    with socket.create_connection((host, int(port)), 20) as connection:
        began = time.monotonic()
        send(connection, half_a_hello())
        assert answer(connection) == b""
        assert 0.3 < time.monotonic() - began < 10


def test_keys_that_everybody_may_read_are_warned_of(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = TlsMetrics(prometheus_client.CollectorRegistry())
    issued, path = authority.issue("server"), tmp_path / "ssl.config"
    flags = [*files(issued), ssl_config(path, issued)]
    path.chmod(0o600)
    tls.ports_tls(options(*flags), metrics)
    assert caplog.text == ""
    path.chmod(0o644)
    issued.key.chmod(0o644)
    tls.ports_tls(options(*flags), TlsMetrics(prometheus_client.CollectorRegistry()))
    assert "ssl.config can be read by every user" in caplog.text
    assert "server.key can be read by every user" in caplog.text


def test_wrong_files_are_told(authority: Authority, tmp_path: Path) -> None:
    metrics = TlsMetrics(prometheus_client.CollectorRegistry())
    path, issued = tmp_path / "ssl.config", authority.issue("server")
    with pytest.raises(TlsError, match=r"expected custom_ca with client_verify, received none"):
        tls.ports_tls(options(ssl_config(path, issued, "client_verify: true")), metrics)
    with pytest.raises(TlsError, match=r"server_cert of .*ssl\.config has expired"):
        tls.ports_tls(options(ssl_config(path, authority.issue("late", days=-1))), metrics)
    path.write_text('server_key: "secret')
    with pytest.raises(ServingError, match=r"ssl\.config, line 1: expected a tensorflow\.serving\.SSLConfig") as raised:
        tls.ports_tls(options(f"--ssl_config_file={path}"), metrics)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--tls_certificate_file=a"], "--tls_certificate_file and --tls_key_file: expected both or neither"),
        (["--tls_client_ca_file=a"], "--tls_client_ca_file: expected --tls_certificate_file and --tls_key_file"),
    ],
)
def test_flags_that_need_others(flags: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options(*flags)
    assert said in capsys.readouterr().err
