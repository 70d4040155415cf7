"""Replace a name of a module for as long as a block runs, to change what code of a library calls."""

import contextlib
from collections.abc import Iterator
from types import ModuleType


@contextlib.contextmanager
def replace_name(module: ModuleType, name: str, value: object) -> Iterator[None]:
    """Set a module's name to another value until the block ends, also where the block raises.

    Everything in the process sees the new value meanwhile. So only one thread at a time may replace a name.

    Args:
        module: module that looks up the name whenever it uses it.
        name: an existing name of the module.
        value: what the name refers to while the block runs.

    Yields:
        None.

    Raises:
        AttributeError: The module has no such name.
    """
    original = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, original)
