"""An interruption that got lost before the test begins."""

import contextlib
import signal
from collections.abc import Iterator

import pytest

from serving.process_control import remember_interrupts


@pytest.fixture
def lost_interruption() -> Iterator[None]:
    """Ctrl-C came, and a library took the KeyboardInterrupt for something else."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        with remember_interrupts():
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            yield
    finally:
        signal.signal(signal.SIGINT, before)
