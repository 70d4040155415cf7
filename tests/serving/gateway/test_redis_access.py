"""Whom a real Redis lets in, and which Redis a gateway trusts: `pytest -m redis`."""

import asyncio
import re
import subprocess
from pathlib import Path

import pytest
import structlog

from serving.gateway.redis_settings import PASSWORD_VARIABLE
from tests.serving.gateway.conftest import ROOT
from tests.serving.gateway.redis_server import RedisServer, running_redis
from tests.serving.gateway.test_redis_window import is_shared, limit
from tests.serving.gateway.test_shared_rate_limit import admitted
from tests.serving.running_server import free_ports

pytestmark = [pytest.mark.redis, pytest.mark.slow, pytest.mark.one_stack]


def test_a_password_is_needed_and_never_told() -> None:
    async def check(server: RedisServer, environ: dict[str, str]) -> tuple[bool, str]:
        limits = limit(server, environ=environ)
        with structlog.testing.capture_logs() as log:
            await limits.start()
        shared = is_shared(limits)
        await limits.close()
        return shared, str(log)

    with running_redis("--requirepass", "right-one", password="right-one") as server:
        assert asyncio.run(check(server, {PASSWORD_VARIABLE: "right-one"}))[0]
        for environ in ({}, {PASSWORD_VARIABLE: "wrong-one"}):
            shared, log = asyncio.run(check(server, environ))
            assert not shared
            assert "password" in log.lower() or "authentication" in log.lower()
            assert "wrong-one" not in log


def test_a_user_with_the_rights_that_the_page_names_is_enough() -> None:
    page = " ".join((ROOT / "docs" / "reference" / "serving.md").read_text().split())
    (rights,) = re.findall(r"its user needs `([^`]+)`", page)

    async def check(redis: RedisServer) -> None:
        limits = limit(
            redis, per_second=1, environ={PASSWORD_VARIABLE: "right-one"}, url=f"unix://gateway@{redis.socket}"
        )
        await limits.start()
        assert is_shared(limits)
        assert [await admitted(limits) for _ in range(2)] == [True, False]
        with redis.client() as client:
            (now, _), name = client.time(), limits._key("key other")
            client.lpush(name, (now + 5) * 1_000_000)
        assert await admitted(limits, "key other")  # a time that is yet to come is deleted
        assert is_shared(limits)
        await limits.close()

    with running_redis() as redis:
        with redis.client() as client:
            client.execute_command("ACL", "SETUSER", "gateway", "on", ">right-one", *rights.split())
        asyncio.run(check(redis))


def test_tls_with_the_right_authority_only(tmp_path: Path) -> None:
    for name in ("server", "other"):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "1", "-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", f"{tmp_path}/{name}.key", "-out", f"{tmp_path}/{name}.pem"],
            check=True, capture_output=True,
        )  # fmt: skip

    async def check(server: RedisServer, url: str, authority: str) -> bool:
        limits = limit(server, url=url, ca_file=tmp_path / f"{authority}.pem", connect_seconds=5)
        await limits.start()
        shared = is_shared(limits)
        await limits.close()
        return shared

    (port,) = free_ports(1)
    options: tuple[str, ...] = ("--tls-port", str(port), "--tls-auth-clients", "no")
    files = {"--tls-cert-file": "server.pem", "--tls-key-file": "server.key", "--tls-ca-cert-file": "server.pem"}
    options += tuple(part for name, file in files.items() for part in (name, f"{tmp_path}/{file}"))
    with running_redis(*options) as server:
        assert asyncio.run(check(server, f"rediss://127.0.0.1:{port}", "server"))
        assert not asyncio.run(check(server, f"rediss://127.0.0.1:{port}", "other"))
        assert not asyncio.run(check(server, f"rediss://localhost:{port}", "server"))  # the name is checked, too
    with pytest.raises(FileNotFoundError):
        limit(server, url=f"rediss://127.0.0.1:{port}", ca_file=tmp_path / "none.pem")
