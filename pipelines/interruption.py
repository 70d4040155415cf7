"""Ctrl-C and `kill`, remembered.

A KeyboardInterrupt can get lost: TensorFlow's C++ calls Python back, for one to convert a shape, and takes whatever is
raised in there for "cannot be converted". The training then goes on, or ends with another error.
"""

import signal
import threading
from types import FrameType

_asked = threading.Event()


def remember() -> None:
    """From now on Ctrl-C and `kill` raise KeyboardInterrupt and are remembered. Main thread only.

    Where SIGINT is ignored it stays so: a shell's background jobs ignore it.
    """
    _asked.clear()
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)


def raise_if_asked() -> None:
    """Stops what should have stopped by now.

    Raises:
        KeyboardInterrupt: Ctrl-C or `kill` came since `remember`.
    """
    if _asked.is_set():
        raise KeyboardInterrupt


def _interrupt(number: int, frame: FrameType | None) -> None:
    _asked.set()
    raise KeyboardInterrupt
