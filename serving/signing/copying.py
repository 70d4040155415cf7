"""Run `python -m serving verify`: once before a model server starts, or repeatedly while it runs."""

import logging
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import prometheus_client

from serving.signing.errors import ModelsError, SigningError
from serving.signing.verified_copies import VerifiedCopies

_DONE, _REFUSED, _FAILED = 0, 1, 2
_log = logging.getLogger(__name__)


def run(source: Path, to: Path, keys: Path, *, every: float | None, metrics_port: int | None) -> int:
    """Copy signed versions, once or periodically.

    Args:
        source: pushed versions.
        to: copies of the signed versions.
        keys: a public key, or a folder of them.
        every: seconds between two runs; None runs once.
        metrics_port: serves metrics; None serves none.

    Returns:
        The exit status: 0 all copied, or a signal ended it; 1 a version was refused; 2 the keys or folders cannot be
        used.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).1s %(message)s", stream=sys.stderr)
    registry = prometheus_client.CollectorRegistry()
    counter = prometheus_client.Counter(
        "model_versions_refused",
        "Versions that were not copied, by model and reason.",
        ["model_name", "reason"],
        registry=registry,
    )
    copies = VerifiedCopies(
        source=source,
        target=to,
        keys=keys,
        on_refused=lambda model, reason: counter.labels(model, reason).inc(),
    )
    try:
        if every is None:
            return _DONE if copies.look() else _REFUSED
        try:
            copies.look()
        except ModelsError as error:  # log it and try again: one model must not block the others
            _log.error("%s", error)
        if metrics_port is not None:
            prometheus_client.start_http_server(metrics_port, registry=registry)
    except (SigningError, OSError) as error:
        print(f"python -m serving verify: error: {error}", file=sys.stderr)
        return _FAILED
    _look_again(copies.look, every)
    return _DONE


def _look_again(look: Callable[[], bool], seconds: float) -> None:
    """Look until SIGTERM or SIGINT. If a folder or key cannot be read, log it once, and keep the copies."""
    stop, said = threading.Event(), ""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(seconds):
        try:
            look()
            said = ""
        except (SigningError, OSError) as error:
            if str(error) != said:
                _log.error("%s", error)
            said = str(error)
