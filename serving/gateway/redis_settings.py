"""The table `[limits.redis]`: the Redis in which the replicas of a gateway count a client's requests together."""

import re
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import pydantic
from pydantic import Field

PASSWORD_VARIABLE = "GATEWAY_REDIS_PASSWORD"  # the password itself …
PASSWORD_FILE_VARIABLE = "GATEWAY_REDIS_PASSWORD_FILE"  # … or the file that holds it, as secrets are mounted

_URL = re.compile(r"rediss?://[^/?#]+(/\d*)?|unix://([^/@?#]+@)?/[^?#]+")
Seconds = Annotated[float, Field(gt=0, le=60)]


class RedisSettings(pydantic.BaseModel):
    """Where Redis is, and how long a request may wait for it."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    # redis://[user@]host[:port][/number], rediss:// for TLS, unix:///path of a socket. The password stands elsewhere.
    url: str
    timeout_seconds: Seconds = 0.1  # a request waits no longer; then this process counts alone
    connect_seconds: Seconds = 1.0  # for a connection, TLS included; no request waits for it
    retry_seconds: Seconds = 1.0  # between two tries to reach a Redis that is away
    # What the names of keys begin with; replicas with the same count together. None: gateway:<endpoint>.
    prefix: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    ca_file: Path | None = None  # certificates that Redis' own is held against; None: the system's
    certificate_file: Path | None = None  # what the gateway shows to Redis, …
    key_file: Path | None = None  # … and the key of it

    @pydantic.field_validator("url")
    @classmethod
    def _usable(cls, url: str) -> str:
        if not _URL.fullmatch(url):
            raise ValueError("expected redis://HOST:PORT/NUMBER, rediss://… with TLS, or unix:///PATH, received other")
        if ":" in url.partition("://")[2].rpartition("@")[0]:
            raise ValueError(f"expected no password in the URL; set {PASSWORD_VARIABLE} or {PASSWORD_FILE_VARIABLE}")
        _ = urllib.parse.urlsplit(url).port  # a ValueError where it is none
        return url

    @property
    def address(self) -> str:
        """Where Redis is, without the user: for the log and the metric's label."""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"


def read_password(environ: Mapping[str, str]) -> str | None:
    """Read the password of Redis; None when there is none.

    Args:
        environ: as a rule os.environ.

    Raises:
        OSError: The file cannot be read.
    """
    if file := environ.get(PASSWORD_FILE_VARIABLE):
        return Path(file).read_text(encoding="utf-8").strip()
    return environ.get(PASSWORD_VARIABLE) or None
