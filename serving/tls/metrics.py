"""The TLS metrics of the gateway and the model server, under the same names."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from serving.tls.certificates import Certificate
from serving.tls.watched import T, WatchedFiles


class TlsMetrics:
    """The metrics of certificates and handshakes.

    Args:
        registry: the metrics' registry.
    """

    def __init__(self, registry: CollectorRegistry):
        self._seconds_left = Gauge(
            "tls_certificate_expiry_seconds",
            "Seconds until the certificate in use expires; negative afterwards.",
            ["use"],
            registry=registry,
        )
        self._outdated = Gauge(
            "tls_certificate_outdated",
            "1 while changed files cannot be used, and their earlier content stays in use.",
            ["use"],
            registry=registry,
        )
        self.failed_handshakes = Counter(
            "tls_failed_handshakes",
            "Connections that ended before the TLS handshake was complete, by port and reason.",
            ["use", "reason"],
            registry=registry,
        )

    def watch(self, use: str, files: WatchedFiles[T], certificate: Callable[[T], Certificate | None]) -> None:
        """Show a certificate from now on; each scrape looks at its files.

        Args:
            use: its purpose, such as `listen`.
            files: its files.
            certificate: returns the certificate from the files' value; None if there is none.
        """
        self._outdated.labels(use).set_function(lambda: float(files.outdated))
        if certificate(files.value) is not None:
            self._seconds_left.labels(use).set_function(lambda: _seconds_left(certificate(files.value)))


def _seconds_left(certificate: Certificate | None) -> float:
    return certificate.seconds_left if certificate else float("nan")
