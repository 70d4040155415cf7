"""The table `[limits.redis]`: a Redis in which all replicas of a gateway count a client's requests together."""

import re
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import pydantic
from pydantic import Field

PASSWORD_VARIABLE = "GATEWAY_REDIS_PASSWORD"  # the password itself
PASSWORD_FILE_VARIABLE = "GATEWAY_REDIS_PASSWORD_FILE"  # or the file that holds it, such as a mounted secret

_URL = re.compile(r"rediss?://[^/?#]+(/\d*)?|unix://([^/@?#]+@)?/[^?#]+")
Seconds = Annotated[float, Field(gt=0, le=60)]


class RedisSettings(pydantic.BaseModel):
    """The address of Redis, and the time that a request may wait for it."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    # redis://[user@]host[:port][/number], rediss:// for TLS, unix:///path of a socket. The password is set elsewhere.
    url: str
    timeout_seconds: Seconds = 0.1  # a request waits no longer; then this process counts alone
    connect_seconds: Seconds = 1.0  # for a connection, TLS included; no request waits for it
    retry_seconds: Seconds = 1.0  # between two tries to reach Redis
    # Prefix of the keys' names; replicas with the same prefix count together. None: gateway:<endpoint>.
    prefix: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    ca_file: Path | None = None  # CAs of Redis' certificate; None: the system's
    certificate_file: Path | None = None  # the gateway's client certificate
    key_file: Path | None = None  # the certificate's key

    @pydantic.field_validator("url")
    @classmethod
    def _usable(cls, url: str) -> str:
        if not _URL.fullmatch(url):
            raise ValueError(
                "expected redis://HOST:PORT/NUMBER, rediss://HOST:PORT/NUMBER with TLS, or unix:///PATH, received other"
            )
        if ":" in url.partition("://")[2].rpartition("@")[0]:
            raise ValueError(f"expected no password in the URL; set {PASSWORD_VARIABLE} or {PASSWORD_FILE_VARIABLE}")
        _ = urllib.parse.urlsplit(url).port  # raises ValueError if it is invalid
        return url

    @property
    def address(self) -> str:
        """Return the address without the user, for the log and the metric's label."""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"


def read_password(environ: Mapping[str, str]) -> str | None:
    """Read the password of Redis; return None when there is none.

    Args:
        environ: usually os.environ.

    Returns:
        The password.

    Raises:
        OSError: The file cannot be read.
    """
    if file := environ.get(PASSWORD_FILE_VARIABLE):
        return Path(file).read_text(encoding="utf-8").strip()
    return environ.get(PASSWORD_VARIABLE) or None
