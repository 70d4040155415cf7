"""Load TensorFlow, Beam and TFX without their log lines and warnings."""

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator

from absl import logging as absl_logging

from serving.process_control import gc_paused_imports

# Modules of libraries. Warnings of this project's modules and of a user's own code are shown.
_LIBRARY = r"(?!__main__|ipykernel|notebooks|pipelines|components|serving)"


def silence_libraries() -> None:
    """Suppress warnings of libraries, and log lines below errors. Call it before TensorFlow, Beam or TFX are loaded."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    absl_logging.set_verbosity(absl_logging.ERROR)
    # A filter, since TensorFlow overwrites the level of its logger when it is loaded.
    logging.getLogger("tensorflow").addFilter(_is_error)
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=_LIBRARY)


@contextlib.contextmanager
def quiet_imports() -> Iterator[None]:
    """Silence the libraries while a block loads them, and after it. Do nothing if TensorFlow is loaded already."""
    if "tensorflow" in sys.modules:
        yield
        return
    silence_libraries()
    with gc_paused_imports():
        yield


def _is_error(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR
