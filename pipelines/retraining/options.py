"""The options of `continuous` and `status`; the text below a field is its help. Loads no TFX."""

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
    """What a user can ask of the loop. Paths become absolute."""

    task: str = "taxi"
    """A folder below pipelines/tasks/, or a dotted package."""
    once: bool = False
    """Take one pass, or go on with the one that was cut off, and end."""
    dry_run: bool = False
    """Only explain what would be decided now, of what was seen before: nothing runs, nothing is written."""
    source: Annotated[Path | None, Parameter(name="--from")] = None
    """A folder of spans to ingest first, such as quarters; without it, nothing is ingested."""
    pattern: str | None = None
    """How the spans are named (see ingest)."""
    log: Path | None = None
    """The gateway's request log; without it, <var>/requests/<task>/."""
    server: Annotated[tuple[str, ...], Parameter(show_default=False)] = ()
    """A model server, as HOST:GRPC_PORT:REST_PORT, once for each; without one, the push is the end."""
    model_config_file: Path | None = None
    """The file that the servers were started with; without it, <var>/serving/models.config."""
    sign: Path | None = None
    """Sign what is pushed with this private key, or with --sign-command and this public key (docs/how-to/trust.md)."""
    sign_command: str | None = None
    """Sign with a command, as `run` does."""
    verify_keys: Path | None = None
    """Roll out only what one of these public keys signed: a file or a folder, as `rollout` takes it."""
    tls: bool = False
    """Reach the servers over TLS, as `rollout` does; each of the four below says so, too."""
    tls_ca: Path | None = None
    """PEM file of who signs the servers' certificates; without it, those whom this system trusts."""
    tls_certificate: Path | None = None
    """PEM file of the loop's own certificate, where the servers want one."""
    tls_key: Path | None = None
    """PEM file of that certificate's key."""
    tls_server_name: str | None = None
    """The name that the servers' certificates have; without it, each HOST."""
    interval: str = "1h"
    """Without --once: how long to wait between passes."""
    at_once: int | None = None
    """Run so many nodes of a pipeline at the same time at most."""
    var: Path = Path("var")
    """Where everything is written."""

    def __post_init__(self) -> None:
        for name in _PATHS:
            path = getattr(self, name)
            object.__setattr__(self, name, path and path.absolute())
        if self.pattern is not None:
            SpanPattern(self.pattern)  # Raises for one that says no span.
        if self.sign_command is not None and self.sign is None:
            raise ValueError("--sign-command: expected --sign with it, the public key of what the command signs with")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("expected --tls-certificate and --tls-key, or neither, received one of them")
        if self.at_once is not None:
            require_at_least("at once", self.at_once, 1)
        for text in self.server:
            address(text)  # Likewise, for no server.
        try:
            parse_length(self.interval)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"--interval: {error}") from error

    @property
    def name(self) -> str:
        """The task's name, which its folders and its model have, too."""
        return self.task.rpartition(".")[2]

    @property
    def folder(self) -> Path:
        """Where the loop keeps its journal, its log of decisions and its lock."""
        return self.var / "continuous" / self.name

    @property
    def requests(self) -> Path:
        """The gateway's request log."""
        return self.log or self.var / "requests" / self.name

    @property
    def models_config(self) -> Path:
        """The file that the servers were started with."""
        return self.model_config_file or self.var / "serving" / "models.config"
