"""Set up TLS of the server's two ports, from the files that the flags name."""

import argparse
import dataclasses
import logging
import ssl
from pathlib import Path

import grpc

from serving.server import config
from serving.server.errors import ServingError
from serving.tls.certificates import (
    Certificate,
    check_certificate,
    read_certificate,
    read_chain,
    read_pem,
    warn_of_open_key,
)
from serving.tls.errors import TlsError
from serving.tls.metrics import TlsMetrics
from serving.tls.server import ServerFiles, ServerTls, server_tls
from serving.tls.watched import WatchedFiles

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class PortsTls:
    """TLS of each port; None for plain text."""

    grpc: grpc.ServerCredentials | None
    rest: "RestTls | None"


class RestTls:
    """TLS of the REST port, in the form that `serving.http_bounds.server` calls."""

    def __init__(self, watched: WatchedFiles[ServerTls], metrics: TlsMetrics):
        self._watched = watched
        self._metrics = metrics

    def context(self, port: int) -> ssl.SSLContext:
        """Return the TLS context for a new connection."""
        return self._watched.value.context

    def note_failure(self, port: int, client: str, reason: str) -> None:
        """Count and log a failed handshake."""
        self._metrics.failed_handshakes.labels("rest", reason).inc()
        _log.info("TLS handshake of %s on port %d failed: %s", client, port, reason)


@dataclasses.dataclass(frozen=True)
class _GrpcTls:
    configuration: grpc.ServerCertificateConfiguration
    certificate: Certificate
    clients_verified: bool


def ports_tls(options: argparse.Namespace, metrics: TlsMetrics) -> PortsTls:
    """Read the files that the flags name.

    Args:
        options: the parsed command line.
        metrics: receives the certificates' expiry and failed handshakes.

    Returns:
        TLS of each port.

    Raises:
        TlsError: A certificate or a key cannot be used.
        ServingError: --ssl_config_file is not an SSLConfig.
    """
    files = None
    if options.tls_certificate_file:
        files = ServerFiles(
            certificate=options.tls_certificate_file, key=options.tls_key_file, client_ca=options.tls_client_ca_file
        )
    ports = PortsTls(_grpc(options.ssl_config_file, files, metrics), _rest(files, metrics))
    for key in (options.ssl_config_file, options.tls_key_file):
        if key:
            warn_of_open_key(key)
    return ports


def _rest(files: ServerFiles | None, metrics: TlsMetrics) -> RestTls | None:
    if files is None:
        return None
    watched = server_tls(files)
    metrics.watch("rest", watched, lambda found: found.certificate)
    return RestTls(watched, metrics)


def _grpc(ssl_config: Path | None, files: ServerFiles | None, metrics: TlsMetrics) -> grpc.ServerCredentials | None:
    if ssl_config:
        verify = config.read_ssl(ssl_config).client_verify  # gRPC cannot change this setting of an open port
        watched = WatchedFiles([ssl_config], lambda: _of_ssl_config(ssl_config, verify))
    elif files:
        watched = WatchedFiles(files.all, lambda: _of_files(files))
    else:
        return None
    metrics.watch("grpc", watched, lambda found: found.certificate)
    return _credentials(watched)


def _credentials(watched: WatchedFiles[_GrpcTls]) -> grpc.ServerCredentials:
    """Return credentials that look for new certificates at every handshake; gRPC calls `fetch` in its own thread."""
    first = watched.value
    given = first.configuration

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        nonlocal given
        now = watched.value.configuration
        if now is given:
            return None
        given = now
        return given

    return grpc.dynamic_ssl_server_credentials(
        first.configuration, fetch, require_client_authentication=first.clients_verified
    )


def _of_files(files: ServerFiles) -> _GrpcTls:
    certificate = read_certificate(files.certificate, files.key)
    ca = read_pem(files.client_ca, "clients' CA") if files.client_ca else None
    return _grpc_tls(certificate, ca, str(files.client_ca))


def _of_ssl_config(path: Path, verify: bool) -> _GrpcTls:
    try:
        found = config.read_ssl(path)
    except ServingError as error:
        raise TlsError(error.message) from error
    if found.client_verify != verify:
        raise TlsError(f"{path}: expected client_verify: {verify}, as at the start; restart the server to change it.")
    if verify and not found.custom_ca:
        raise TlsError(
            f"{path}: expected custom_ca with client_verify, received none; add the CA of the clients' certificates."
        )
    certificate = check_certificate(
        found.server_cert.encode(), found.server_key.encode(), f"server_cert of {path}", f"server_key of {path}"
    )
    return _grpc_tls(certificate, found.custom_ca.encode() if verify else None, f"custom_ca of {path}")


def _grpc_tls(certificate: Certificate, ca: bytes | None, ca_name: str) -> _GrpcTls:
    if ca is not None:
        read_chain(ca, ca_name)
    configuration = grpc.ssl_server_certificate_configuration([(certificate.key, certificate.chain)], ca)
    return _GrpcTls(configuration, certificate, ca is not None)
