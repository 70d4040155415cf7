"""The options of the roll-out commands, each defined once. The text below a field is its help."""

import dataclasses
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from serving.tls.client import ClientFiles

_SERVER = "127.0.0.1:8500:8501"
EVEN = 0.5  # the threshold of probabilities


@dataclasses.dataclass(frozen=True, kw_only=True)
class RolloutOptions:
    """Options of every command."""

    model_config_file: Path = Path("var/serving/models.config")
    """The servers' --model_config_file."""
    model: str | None = None
    """The model's name, if the file lists several."""
    server: Annotated[tuple[str, ...], Parameter(show_default=", ".join)] = (_SERVER,)
    """A model server, as HOST:GRPC_PORT:REST_PORT; repeat it for each that reads the file."""
    versions_folder: Path | None = None
    """The model's base_path, if this machine sees it under another path."""
    verify_keys: Path | None = None
    """A public key, or a folder of them: refuse versions that none of these signed (docs/how-to/trust.md)."""
    signature: str = "serving_raw"
    """The signature of the requests."""
    timeout: float = 300.0
    """Seconds for a version to load, and for each call."""
    drain: float = 5.0
    """Seconds that a version stays loaded after it loses its labels."""
    tls: bool = False
    """Connect to both ports over TLS; each of the four options below implies it."""
    tls_ca: Path | None = None
    """PEM file of the CA of the servers' certificates; without it, the CAs that this system trusts."""
    tls_certificate: Path | None = None
    """PEM file of the client certificate, if the servers require one."""
    tls_key: Path | None = None
    """PEM file of the client certificate's key."""
    tls_server_name: str | None = None
    """The name in the servers' certificates; without it, each HOST."""

    @property
    def tls_files(self) -> ClientFiles | None:
        """Return the TLS files; None for plain text.

        Returns:
            The files.

        Raises:
            TlsError: There is a certificate without a key, or a key without a certificate.
        """
        given = (self.tls_ca, self.tls_certificate, self.tls_key, self.tls_server_name)
        if not self.tls and not any(given):
            return None
        return ClientFiles(
            ca=self.tls_ca, certificate=self.tls_certificate, key=self.tls_key, server_name=self.tls_server_name
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplayOptions:
    """Options of the replay."""

    limit: int = 1000
    """Replay the newest N requests."""
    threshold: float | None = None
    """A prediction of at least this is a positive decision (default: 0.5 for probabilities, else no decisions)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class VerdictLimits:
    """The limits of the verdict; `serving.rollout.comparison.verdict` has the defaults of those that are None."""

    min_rows: int = 100  # fewer rows do not suffice for a verdict
    """Rows that both versions must answer, at least."""
    more_errors: int = 0
    """Failed requests that the canary may have beyond the stable version's."""
    mean_difference: float | None = None
    """Largest mean difference of two predictions for a row (default: 0.05 for probabilities, else 0.2 stable SDs)."""
    p95_difference: float | None = None
    """Largest difference that one row in twenty may exceed (default: 0.2 for probabilities, else 0.8 stable SDs)."""
    max_difference: float | None = None
    """Largest difference of any row (default: 1 for probabilities, which allows any; else no limit)."""
    changed_decisions: float = 0.05
    """Largest share of rows, 0 to 1, whose decision changes, if predictions have decisions."""
    latency_factor: float = 1.5
    """The canary's p95 latency may be at most the stable version's times this, plus --latency-ms."""
    latency_ms: float = 5.0  # for the noise of short calls
    """Milliseconds of p95 latency that are allowed in addition."""


def address(text: str) -> tuple[str, int, int]:
    """Return host, gRPC port and REST port of a server.

    Args:
        text: HOST:GRPC_PORT:REST_PORT.

    Returns:
        The three parts.

    Raises:
        ValueError: The text is not of this form.

    Example:
        >>> address("127.0.0.1:8500:8501")
        ('127.0.0.1', 8500, 8501)
    """
    host, *ports = text.rsplit(":", 2)
    if not host or len(ports) != 2 or not all(port.isdecimal() and 0 < int(port) < 65536 for port in ports):
        raise ValueError(f"expected HOST:GRPC_PORT:REST_PORT such as {_SERVER}, received {text!r}")
    return host, int(ports[0]), int(ports[1])
