"""Let SIGTERM and Ctrl-C interrupt a step, but not its restoring."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def raise_on_signals() -> None:
    """Make both signals raise KeyboardInterrupt, so that a step is restored. Call it in the main thread."""
    for number in _SIGNALS:
        signal.signal(number, _interrupt)


@contextlib.contextmanager
def signals_ignored() -> Iterator[None]:
    """Ignore both signals inside the block. Everything that waits in the block needs a timeout."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)
