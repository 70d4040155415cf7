"""Starts the gateway: python -m serving.gateway --settings serving/gateway/taxi.toml."""

import argparse
import ipaddress
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog
import uvicorn

from serving.gateway import logs
from serving.gateway.api_keys import VARIABLE, ApiKeys
from serving.gateway.app import create_app
from serving.gateway.settings import GatewaySettings, ListenSettings, SettingsError, load

_TAXI = Path(__file__).with_name("taxi.toml")
BAD_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the gateway until it is told to end; returns 0, or 2 when it cannot start with these settings."""
    given = _parser().parse_args(arguments)
    flags = {"listen.host": given.host, "listen.port": given.port, "model.server": given.model_server}
    try:
        settings = load(given.settings, os.environ, {name: value for name, value in flags.items() if value is not None})
        if not given.allow_no_keys:
            require_keys(settings, os.environ)
        app = create_app(settings, os.environ)
        listening = _listen(settings.listen)
    except (SettingsError, ValueError, OSError) as error:
        print(f"serving.gateway: {error}", file=sys.stderr)
        return BAD_USAGE
    logs.configure()
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="none",
            log_config=None,
            access_log=False,  # serving.gateway.request_observer writes that line
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=int(settings.listen.shutdown_seconds) or 1,
        )
    )
    host, port = listening.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    structlog.get_logger("serving.gateway").info(
        "start", url=url, settings=str(given.settings), contract=str(settings.contract)
    )
    # uvicorn ends in order and then sends itself the signal once more: being told to end is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    server.run(sockets=[listening])
    return 0 if server.started else 1


def require_keys(settings: GatewaySettings, environ: Mapping[str, str]) -> None:
    """Holds that whoever can reach the gateway from outside this machine needs a key.

    Raises:
        SettingsError: It listens beyond loopback, and there is no key.
    """
    if ApiKeys(environ, settings.keys.file).needed or _is_loopback(settings.listen.host):
        return
    raise SettingsError(
        f"{settings.listen.host} can be reached from other machines, and there are no API keys: expected some in the "
        f"variable {VARIABLE} or in the file that the setting keys.file names, received none; give one "
        f"({VARIABLE}=NAME:KEY), listen on 127.0.0.1, or say --allow-no-keys."
    )


def _listen(where: ListenSettings) -> socket.socket:
    """Takes the port; connections wait until the gateway serves them.

    Raises:
        SettingsError: The address or the port cannot be had.
    """
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    try:
        return socket.create_server((where.host, where.port), family=family, backlog=2048)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {where.host} port {where.port}: expected an address of this machine and a free port, "
            f"received {error}; choose others with --host and --port."
        ) from error


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
