"""The options of a roll-out command, each typed once. The text below a field is its help."""

import dataclasses
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from serving.tls.client import ClientFiles

_SERVER = "127.0.0.1:8500:8501"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RolloutOptions:
    """The options that every command has."""

    model_config_file: Path = Path("var/serving/models.config")
    """The file that the servers were started with."""
    model: str | None = None
    """Which model, where the file lists several."""
    server: Annotated[tuple[str, ...], Parameter(show_default=", ".join)] = (_SERVER,)
    """A server, as HOST:GRPC_PORT:REST_PORT; once for each that reads the file."""
    versions_folder: Path | None = None
    """The model's base_path, where this machine sees it under another path."""
    verify_keys: Path | None = None
    """A public key, or a folder of them: refuse versions that none of these signed (docs/trust.md)."""
    signature: str = "serving_raw"
    """The signature that requests name."""
    timeout: float = 300.0
    """Seconds for a version to load, and for each call."""
    drain: float = 5.0
    """Seconds that a version outlives its labels."""
    tls: bool = False
    """Reach both ports over TLS; each of the four below says so, too."""
    tls_ca: Path | None = None
    """PEM file of who signs the servers' certificates; without it, those whom this system trusts."""
    tls_certificate: Path | None = None
    """PEM file of this command's own certificate, where the servers want one."""
    tls_key: Path | None = None
    """PEM file of that certificate's key."""
    tls_server_name: str | None = None
    """The name that the servers' certificates have; without it, each HOST."""

    @property
    def tls_files(self) -> ClientFiles | None:
        """Return what the servers are reached with; None: plain text.

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
    """The options of what is replayed."""

    limit: int = 1000
    """Replay the newest N requests."""
    threshold: float = 0.5
    """A prediction from this on is a positive decision."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class VerdictLimits:
    """The limits of the verdict.

    The defaults are meant for probabilities: a retrained model moves them by a few hundredths.
    """

    min_rows: int = 100  # fewer say nothing
    """Rows that both versions must have answered."""
    more_errors: int = 0
    """Failed requests that the canary may have beyond the stable version's."""
    mean_difference: float = 0.05
    """Mean difference of two predictions for the same row."""
    p95_difference: float = 0.2
    """Difference that one row in twenty may exceed."""
    max_difference: float = 1.0
    """Difference of any row; 1 allows everything to a probability."""
    changed_decisions: float = 0.05
    """Share of rows, 0 to 1, whose decision changes."""
    latency_factor: float = 1.5
    """The canary's p95 latency may be the stable version's times this …"""
    latency_ms: float = 5.0  # for the noise of short calls
    """… plus this, in milliseconds."""


def address(text: str) -> tuple[str, int, int]:
    """Return host, gRPC port and REST port of a server.

    Raises:
        ValueError: The text names none.
    """
    host, *ports = text.rsplit(":", 2)
    if not host or len(ports) != 2 or not all(port.isdecimal() and 0 < int(port) < 65536 for port in ports):
        raise ValueError(f"expected HOST:GRPC_PORT:REST_PORT such as {_SERVER}, received {text!r}")
    return host, int(ports[0]), int(ports[1])
