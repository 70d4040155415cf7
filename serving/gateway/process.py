"""Run the gateway's process: settings, port, log, and HTTP server."""

import dataclasses
import ipaddress
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import fastapi
import structlog
import uvicorn

from serving.gateway import refusals
from serving.gateway.api_keys import VARIABLE, ApiKeys
from serving.gateway.app import create_app
from serving.gateway.settings import GatewaySettings, ListenSettings, SettingsError
from serving.gateway.several_tasks import Flags, load_all
from serving.gateway.tls import PortTls, warn_of_open_keys
from serving.http_bounds.protocol import bounded
from serving.http_bounds.server import HttpServer
from serving.process_control import gc_seldom

BAD_USAGE = 2
_LOG_PROCESSORS: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    structlog.processors.format_exc_info,
]


def run(settings_files: Sequence[Path], flags: Flags, *, allow_no_keys: bool = False) -> int:
    """Run the gateway until SIGTERM or SIGINT.

    Args:
        settings_files: TOML files, one for each task.
        flags: settings that take precedence over the files and the variables, by the name of the task's model; dotted
            names, such as `listen.port`.
        allow_no_keys: whether to listen beyond this machine without API keys.

    Returns:
        The exit status: 0, 1 when the port could not be served, or 2 when it cannot start with these settings.
    """
    try:
        tasks = load_all(settings_files, flags, os.environ)
        settings = tasks[0]  # settings of the whole gateway are equal in all tasks
        if not allow_no_keys:
            require_keys(settings, os.environ)
        app = create_app(tasks, os.environ)
        server = http_server(app, settings, max(each.limits.body_seconds for each in tasks))
        sockets = _listen(settings.listen)
    except (SettingsError, ValueError, OSError) as error:
        print(f"python -m serving gateway: error: {error}", file=sys.stderr)
        return BAD_USAGE
    _configure_logs()
    warn_of_open_keys(tasks)
    scheme = "https" if settings.listen.tls else "http"
    operator = {"operator_url": _url(scheme, sockets[1])} if len(sockets) > 1 else {}
    structlog.get_logger("serving.gateway").info(
        "start",
        url=_url(scheme, sockets[0]),
        **operator,
        settings=", ".join(map(str, settings_files)),
        contract=", ".join(str(each.contract) for each in tasks),
    )
    # uvicorn shuts down and then sends itself the signal again: make that a successful exit.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    gc_seldom()
    server.run(sockets=sockets)
    return 0 if server.started else 1


def http_server(app: fastapi.FastAPI, settings: GatewaySettings, body_seconds: float | None = None) -> HttpServer:
    """Return the HTTP server of an application: with the settings' limits, and TLS where they configure it.

    Args:
        app: the application.
        settings: the gateway's settings.
        body_seconds: the longest time that any task allows a body; None takes it from the settings.

    Returns:
        The server, not started yet.

    Raises:
        TlsError: A certificate or a key cannot be used.
    """
    # The application answers a late body itself, so that log and metrics have it. The connection closes a second later.
    limits = dataclasses.replace(settings.http, body_seconds=(body_seconds or settings.limits.body_seconds) + 1)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=bounded(limits, refusals.refusal_answerer(app.state.metrics)),
        ws="none",
        log_config=None,
        access_log=False,  # serving.gateway.request_observer writes that log
        server_header=False,
        proxy_headers=bool(settings.listen.proxies),
        forwarded_allow_ips=list(settings.listen.proxies),
        timeout_graceful_shutdown=int(settings.listen.shutdown_seconds) or 1,
    )
    listen = settings.listen
    return HttpServer(config, PortTls(listen, listen.tls, app.state.metrics) if listen.tls else None)


def require_keys(settings: GatewaySettings, environ: Mapping[str, str]) -> None:
    """Require API keys if other machines can reach the gateway.

    Args:
        settings: the gateway's settings.
        environ: may hold keys.

    Raises:
        SettingsError: The gateway listens beyond loopback, and there is no key.
    """
    if ApiKeys(environ, settings.keys.file).needed or _is_loopback(settings.listen.host):
        return
    raise SettingsError(
        f"{settings.listen.host} can be reached from other machines, and there are no API keys: expected some in the "
        f"variable {VARIABLE} or in the file that the setting keys.file names, received none; set one "
        f"({VARIABLE}=NAME:KEY), listen on 127.0.0.1, or pass --allow-no-keys."
    )


def _listen(where: ListenSettings) -> list[socket.socket]:
    """Open the ports, the operators' last. Connections queue until the gateway serves them.

    Args:
        where: the host and the ports.

    Returns:
        The listening sockets.

    Raises:
        SettingsError: The address or the port is not available.
    """
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    taken: list[socket.socket] = []
    for port in (where.port, where.operator_port):
        if port is None:
            continue
        try:
            taken.append(socket.create_server((where.host, port), family=family, backlog=2048))
        except OSError as error:
            for each in taken:
                each.close()
            raise SettingsError(
                f"cannot listen on {where.host} port {port}: expected an address of this machine and a free port, "
                f"received {error}; choose others with --host and --port, or the setting listen.operator_port."
            ) from error
    return taken


def _url(scheme: str, listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _configure_logs() -> None:
    """Send the log of the gateway and of its libraries to standard error, one JSON object a line."""
    structlog.configure(
        processors=[*_LOG_PROCESSORS, structlog.processors.JSONRenderer()],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_LOG_PROCESSORS,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
