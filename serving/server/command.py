"""Runs the server's process: `python -m serving server`. serving/server/options.py has its flags.

A program that starts a server runs this module itself, which loads no other command:
`python -m serving.server.command`.
"""

import logging
import os
import sys
import warnings
from collections.abc import Sequence

from serving.process_control import exit_now, gc_paused_imports
from serving.server import options


def run(flags: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit status."""
    parsed = options.parse(flags)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).1s %(message)s", stream=sys.stderr)
    warnings.filterwarnings("ignore", module="google")  # advice on Python versions, which the stack settles
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's own notes on the machine
    # Only now: TensorFlow takes seconds, and --help and a bad flag need none of it.
    with gc_paused_imports():
        import tensorflow as tf
        import uvloop

        from serving.server.errors import ServingError
        from serving.server.process import serve
        from serving.tls.errors import TlsError
        from serving.tracing.tracer import TracingError

    tf.get_logger().setLevel(logging.ERROR)
    try:
        uvloop.run(serve(parsed))
    except (ServingError, TlsError, TracingError, OSError) as error:
        print(f"Failed to start server. Error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    exit_now(run(sys.argv[1:]))
