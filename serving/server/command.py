"""Run the server process: `python -m serving server`. serving/server/options.py defines its flags.

A program that starts a server runs this module directly, because it imports no other command:
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
    """Serve until SIGTERM or SIGINT.

    Args:
        flags: the command line after `python -m serving server`.

    Returns:
        The exit status: 0 after a signal, 2 when the server cannot start.
    """
    parsed = options.parse(flags)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).1s %(message)s", stream=sys.stderr)
    warnings.filterwarnings("ignore", module="google")  # warnings about Python versions; the stack fixes the version
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # hides TensorFlow's messages about the machine
    # Import late: TensorFlow takes seconds to import, and --help and usage errors do not need it.
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
