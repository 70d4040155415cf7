"""SIGTERM and Ctrl-C end a step, never the putting back of one."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def end_steps() -> None:
    """From now on both signals raise KeyboardInterrupt, which has a step put back. Main thread only."""
    for number in _SIGNALS:
        signal.signal(number, _interrupt)


@contextlib.contextmanager
def held_off() -> Iterator[None]:
    """Both signals do nothing in here. What waits in here has its own time-outs."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)
