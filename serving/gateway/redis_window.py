"""Count the requests of the last second in Redis, with one script that Redis runs atomically.

The script is the sliding window of `RateLimit`: for each client a list of the times of its last admitted requests, as
many as one second allows. A request is admitted when the oldest of them is a second old. The time is Redis' own, so the
replicas' clocks do not matter. A key expires a second after the client's last admitted request.

The script needs Redis 7 or Valkey, and all of its keys on one server: a cluster is not supported.
"""

import ssl
from collections.abc import Mapping
from typing import Any

from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
    parse_url,
)
from redis.credentials import CredentialProvider

from serving.gateway.redis_settings import RedisSettings, read_password

# KEYS: one for each client. ARGV: requests per second, then the number of requests of each client. Returns the number
# of admitted requests of each client.
SCRIPT = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local most = tonumber(ARGV[1])
local answer = {}
for place, key in ipairs(KEYS) do
  local newest = redis.call('LINDEX', key, 0)
  if newest and tonumber(newest) > now then  -- Redis' clock was put back: such times would block the client
    redis.call('DEL', key)
  end
  local admitted = 0
  for _ = 1, tonumber(ARGV[place + 1]) do
    local oldest = redis.call('LINDEX', key, most - 1)
    if oldest and tonumber(oldest) > now - 1000000 then
      break
    end
    redis.call('LPUSH', key, string.format('%.0f', now))
    redis.call('LTRIM', key, 0, most - 1)
    admitted = admitted + 1
  end
  if admitted > 0 then
    redis.call('PEXPIRE', key, 1000)
  end
  answer[place] = admitted
end
return answer
"""


class _Credentials(CredentialProvider):
    """User and password, read again for each connection: a mounted secret may change."""

    def __init__(self, user: str | None, environ: Mapping[str, str]):
        self._user = user
        self._environ = environ

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        password = read_password(self._environ) or ""
        return (self._user, password) if self._user else (password,)


class RedisWindow:
    """One connection to Redis, for one command at a time.

    Args:
        settings: the address of Redis.
        per_second: the limit of one client.
        environ: holds the password.

    Raises:
        ValueError: The URL cannot be used.
        OSError: A certificate, a key or the password's file cannot be read.
    """

    def __init__(self, settings: RedisSettings, per_second: int, environ: Mapping[str, str]):
        self._per_second = per_second
        arguments: dict[str, Any] = dict(parse_url(settings.url))
        self._kind: type[AbstractConnection] = arguments.pop("connection_class", Connection)
        user = arguments.pop("username", None)
        if user or read_password(environ):
            arguments["credential_provider"] = _Credentials(user, environ)
        if self._kind is not UnixDomainSocketConnection:
            arguments["socket_keepalive"] = True
        if self._kind is SSLConnection:
            arguments |= _tls(settings)
        self._arguments = arguments | {"socket_connect_timeout": settings.connect_seconds}
        self._connection = self._kind(**self._arguments)
        self._script = b""

    async def connect(self) -> None:
        """Reconnect, with the certificate files as they are now, and load the script into Redis.

        Raises:
            redis.RedisError: Redis refuses.
            OSError: Redis cannot be reached.
        """
        await self.close()
        self._connection = self._kind(**self._arguments)
        await self._connection.connect()
        await self._connection.send_command("SCRIPT", "LOAD", SCRIPT)
        self._script = await self._connection.read_response()

    async def admit(self, requests: Mapping[str, int]) -> list[int]:
        """Count requests, and return how many of each client's are admitted.

        Args:
            requests: key of a client -> its number of requests; may be empty.

        Returns:
            The number of admitted requests of each client, in the same order.

        Raises:
            redis.RedisError: Redis refuses.
            OSError: Redis does not answer.
        """
        await self._connection.send_command(
            "EVALSHA", self._script, len(requests), *requests, self._per_second, *requests.values()
        )
        answer: list[int] = await self._connection.read_response()
        return answer

    async def close(self) -> None:
        """Close the connection at once, without waiting for a pending answer."""
        await self._connection.disconnect(nowait=True)


def _tls(settings: RedisSettings) -> dict[str, object]:
    """Return the connection's arguments; load the files, so that a wrong one is reported when the gateway starts.

    Raises:
        OSError: A file cannot be read, or holds no certificate or key (ssl.SSLError is an OSError).
    """
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.certificate_file:
        context.load_cert_chain(settings.certificate_file, settings.key_file)
    return {
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": True,
        "ssl_ca_certs": settings.ca_file and str(settings.ca_file),
        "ssl_certfile": settings.certificate_file and str(settings.certificate_file),
        "ssl_keyfile": settings.key_file and str(settings.key_file),
    }
