"""Loads TensorFlow and what builds on it without their notes on the machine and on each other."""

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator

from absl import logging as absl_logging

from serving.process_control import gc_paused_imports

_OWN = r"(?!__main__|ipykernel|notebooks|pipelines|components|serving)"  # modules whose warnings are for their author


def silence_libraries() -> None:
    """Keep the log lines of TensorFlow, Beam and TFX below errors off standard error; for before they are loaded."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    absl_logging.set_verbosity(absl_logging.ERROR)
    # A filter, since TensorFlow sets the level of its logger when it is loaded.
    logging.getLogger("tensorflow").addFilter(_is_error)
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=_OWN)


@contextlib.contextmanager
def quiet_imports() -> Iterator[None]:
    """Silence the libraries while a block loads them, and after it; a process that has loaded them stays as it is."""
    if "tensorflow" in sys.modules:
        yield
        return
    silence_libraries()
    with gc_paused_imports():
        yield


def _is_error(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR
