"""The gateway's certificates: for its ports, and as a client of the model server."""

import ssl
from collections.abc import Sequence

import structlog

from serving.gateway.metrics import GatewayMetrics, TaskMetrics
from serving.gateway.settings import GatewaySettings, ListenSettings, ModelTlsSettings, PortTlsSettings
from serving.tls.certificates import warn_of_open_key
from serving.tls.client import ClientFiles, ClientTls, client_tls
from serving.tls.server import ServerFiles, ServerTls, server_tls
from serving.tls.watched import WatchedFiles

_log = structlog.get_logger("serving.gateway.request")


class PortTls:
    """TLS of the two ports, in the form that `serving.http_bounds.server` calls.

    Args:
        listen: the ports.
        tls: of both ports, unless `listen.operator_tls` overrides the operators'.
        metrics: shows when certificates expire, and counts failures.

    Raises:
        TlsError: A certificate or a key cannot be used.
    """

    def __init__(self, listen: ListenSettings, tls: PortTlsSettings, metrics: GatewayMetrics):
        self._operator_port = listen.operator_port
        self._metrics = metrics.tls
        self._main = self._watched("listen", tls)
        self._operator = self._watched("operator", listen.operator_tls) if listen.operator_tls else self._main

    def context(self, port: int) -> ssl.SSLContext:
        """Return the TLS context for a new connection to a port."""
        return (self._operator if port == self._operator_port else self._main).value.context

    def note_failure(self, port: int, client: str, reason: str) -> None:
        """Count and log a failed handshake."""
        use = "operator" if port == self._operator_port else "listen"
        self._metrics.failed_handshakes.labels(use, reason).inc()
        _log.info("no TLS", client=client, port=use, reason=reason)

    def _watched(self, use: str, tls: PortTlsSettings) -> WatchedFiles[ServerTls]:
        files = ServerFiles(certificate=tls.certificate, key=tls.key, client_ca=tls.client_ca)
        watched = server_tls(files)
        self._metrics.watch(use, watched, lambda found: found.certificate)
        return watched


def warn_of_open_keys(tasks: Sequence[GatewaySettings]) -> None:
    """Log each key that every user of this machine may read, once, whichever tasks name it."""
    tables = [tls for each in tasks for tls in (each.listen.tls, each.listen.operator_tls, each.model.tls)]
    for key in dict.fromkeys(tls.key for tls in tables if tls and tls.key):
        warn_of_open_key(key)


def model_tls(tls: ModelTlsSettings, metrics: TaskMetrics) -> WatchedFiles[ClientTls]:
    """Load the certificates for connections to the model server.

    Args:
        tls: the files.
        metrics: shows when certificates expire.

    Returns:
        The TLS context, which follows changes of the files.

    Raises:
        TlsError: A certificate or a key cannot be used.
    """
    watched = client_tls(ClientFiles(ca=tls.ca, certificate=tls.certificate, key=tls.key))
    metrics.tls.watch("model", watched, lambda found: found.certificate)
    return watched
