"""The options of `continuous` and `status`. The text below a field is its help. Loads without TFX."""

import dataclasses
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pipelines.config import require_at_least
from pipelines.production_metrics.windows import parse_length
from pipelines.spans.pattern import SpanPattern
from serving.rollout.options import address

_PATHS = ("var", "source", "log", "model_config_file", "sign", "verify_keys", "tls_ca", "tls_certificate", "tls_key")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ContinuousOptions:
    """The options of the loop. Paths become absolute."""

    task: str = "taxi"
    """A folder below pipelines/tasks/, or a dotted package."""
    once: bool = False
    """Take one pass, or continue the one that was cut off, and end."""
    dry_run: bool = False
    """Only explain what would be decided now, from earlier results: run nothing, write nothing."""
    source: Annotated[Path | None, Parameter(name="--from")] = None
    """A folder of spans to ingest first, such as quarters; without it, no folder is ingested."""
    pattern: str | None = None
    """Pattern of the spans' names (see ingest)."""
    log: Path | None = None
    """The gateway's request log; without it, <var>/requests/<task>/."""
    server: Annotated[tuple[str, ...], Parameter(show_default=False)] = ()
    """A model server, as HOST:GRPC_PORT:REST_PORT; repeat it for each. Without one, a pass ends with the push."""
    model_config_file: Path | None = None
    """The servers' --model_config_file; without it, <var>/serving/models.config."""
    sign: Path | None = None
    """Sign the version with this private key. With --sign-command, name its public key (docs/how-to/trust.md)."""
    sign_command: str | None = None
    """Sign with this command, which reads bytes and writes their Ed25519 signature. ML Metadata records the command."""
    verify_keys: Path | None = None
    """A public key, or a folder of them: refuse versions that none of these signed (docs/how-to/trust.md)."""
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
    interval: str = "1h"
    """Without --once: the time to wait between passes."""
    at_once: int | None = None
    """Run at most this many nodes at once; without it, as many as cores and memory allow."""
    var: Path = Path("var")
    """Where everything is written."""

    def __post_init__(self) -> None:
        for name in _PATHS:
            path = getattr(self, name)
            object.__setattr__(self, name, path and path.absolute())
        if self.pattern is not None:
            SpanPattern(self.pattern)  # raises an error if it names no span
        if self.sign_command is not None and self.sign is None:
            raise ValueError(
                "--sign-command: expected --sign with it, the public key of the command, received none; add --sign"
            )
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("expected --tls-certificate and --tls-key, or neither, received one of them")
        if self.at_once is not None:
            require_at_least("at once", self.at_once, 1)
        for text in self.server:
            address(text)  # raises an error if it is no server
        try:
            parse_length(self.interval)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"--interval: {error}") from error

    @property
    def name(self) -> str:
        """The task's name, also the name of its folders and its model."""
        return self.task.rpartition(".")[2]

    @property
    def folder(self) -> Path:
        """The folder of the loop's journal, its log of decisions and its lock."""
        return self.var / "continuous" / self.name

    @property
    def requests(self) -> Path:
        """The gateway's request log."""
        return self.log or self.var / "requests" / self.name

    @property
    def models_config(self) -> Path:
        """The file that the servers were started with."""
        return self.model_config_file or self.var / "serving" / "models.config"
