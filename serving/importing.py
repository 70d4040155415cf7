"""Imports that take seconds, without Python's garbage collector.

It begins to search whenever enough new objects are there, and an import makes nothing but new objects, which all stay:
a third of the time to import TensorFlow, Beam and TFX went into looking through them again and again.
"""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Nothing is collected while modules are imported in here; what they made is never looked through again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
