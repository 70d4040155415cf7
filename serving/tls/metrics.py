"""What Prometheus learns of TLS: the same names on the gateway and on the model server."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from serving.tls.certificates import Certificate
from serving.tls.watched import T, WatchedFiles


class TlsMetrics:
    """The metrics of certificates and handshakes.

    Args:
        registry: where they are registered.
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
            "1 while the files hold something else than what is in use, and it cannot be used.",
            ["use"],
            registry=registry,
        )
        self.failed_handshakes = Counter(
            "tls_failed_handshakes",
            "Connections that ended before TLS was spoken, by port and reason.",
            ["use", "reason"],
            registry=registry,
        )

    def watch(self, use: str, files: WatchedFiles[T], certificate: Callable[[T], Certificate | None]) -> None:
        """Show a certificate from now on; each scrape looks at its files.

        Args:
            use: what it is for, such as `listen`.
            files: what it is read from.
            certificate: takes it out of what is made of the files; None: there is none.
        """
        self._outdated.labels(use).set_function(lambda: float(files.outdated))
        if certificate(files.value) is not None:
            self._seconds_left.labels(use).set_function(lambda: _seconds_left(certificate(files.value)))


def _seconds_left(certificate: Certificate | None) -> float:
    return certificate.seconds_left if certificate else float("nan")
