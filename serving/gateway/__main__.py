"""Starts the gateway: python -m serving.gateway --settings serving/gateway/taxi.toml."""

import argparse
import ipaddress
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog
import uvicorn

from serving.gateway import logs
from serving.gateway.app import create_app
from serving.gateway.keys import VARIABLE, Keys
from serving.gateway.settings import Settings, SettingsError, load

_TAXI = Path(__file__).with_name("taxi.toml")
BAD_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the gateway until it is told to end; returns 0, or 2 when it cannot start with these settings."""
    given = _parser().parse_args(arguments)
    logs.configure()
    flags = {"listen.host": given.host, "listen.port": given.port, "model.server": given.model_server}
    try:
        settings = load(given.settings, os.environ, {name: value for name, value in flags.items() if value is not None})
        if not given.allow_no_keys:
            require_keys(settings)
        app = create_app(settings)
    except (SettingsError, ValueError, OSError) as error:
        print(f"serving.gateway: {error}", file=sys.stderr)
        return BAD_USAGE
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.listen.host,
            port=settings.listen.port,
            loop="uvloop",
            http="httptools",
            ws="none",
            log_config=None,
            access_log=False,  # serving.gateway.observed writes that line
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=int(settings.listen.shutdown_seconds) or 1,
        )
    )
    structlog.get_logger("serving.gateway").info("start", settings=str(given.settings), contract=str(settings.contract))
    server.run()
    return 0 if server.started else 1


def require_keys(settings: Settings) -> None:
    """Holds that whoever can reach the gateway from outside this machine needs a key.

    Raises:
        SettingsError: It listens beyond loopback, and there is no key.
    """
    if Keys(os.environ, settings.keys.file).needed or _is_loopback(settings.listen.host):
        return
    raise SettingsError(
        f"{settings.listen.host} can be reached from other machines, and there are no API keys: expected some in the "
        f"variable {VARIABLE} or in the file that the setting keys.file names, received none; give one "
        f"({VARIABLE}=NAME:KEY), listen on 127.0.0.1, or say --allow-no-keys."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving.gateway",
        description="What end users call: typed JSON in, a probability and a decision out.",
        epilog="Any setting can be given as a variable too: GATEWAY__LIMITS__ROWS=100 sets rows in [limits].",
    )
    parser.add_argument("--settings", type=Path, default=_TAXI, metavar="FILE", help="TOML file (default: %(default)s)")
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for a free one (default: 8080)")
    parser.add_argument("--model-server", metavar="URL", help="its REST port (default: http://127.0.0.1:8501)")
    parser.add_argument(
        "--allow-no-keys", action="store_true", help="listen beyond this machine without API keys, behind a proxy say"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
