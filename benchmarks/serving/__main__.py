"""Measure latency and throughput of the pushed model over REST, gRPC and the gateway, and of the bare model.

    python -m benchmarks.serving --var var

It starts the embedded model server and the gateway, each in a separate process, on the newest pushed version, without
and with batching. It sends them rows of the run's eval split, and compares every answer with the model's prediction in
this process. It ends with version swaps under load. It writes `<out>/serving.json` (docs/explanation/performance.md).
Exit status: 0, every goal is reached, or --quick; 1, a goal is missed, or the test failed; 3, no goal is missed, but
the machine was too noisy to judge one.
"""

import argparse
import logging
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.serving.goal import Verdict
from benchmarks.serving.subject import NothingToTestError, subject

_NARROWEST = 170  # columns that the tables need


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the load test; return the exit status, which `--help` explains."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--var", type=Path, default=Path("var"), metavar="DIR", help="folder that runs write to")
    parser.add_argument("--task", default="taxi", metavar="NAME", help="which model (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for serving.json (default: <var>/bench)")
    parser.add_argument("--quick", action="store_true", help="a few seconds per part, to check that it works")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    warnings.filterwarnings("ignore", module="google")  # warnings about Python versions; the stack fixes the version
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # hides TensorFlow's messages about the machine
    try:
        chosen = subject(options.task, options.var)
    except NothingToTestError as error:
        return _told(error)
    # Import late: TensorFlow takes seconds to import, and --help and usage errors do not need it.
    import tensorflow as tf

    from benchmarks.serving import record
    from benchmarks.serving.load_test import LoadTest
    from benchmarks.serving.processes import ServerError
    from benchmarks.serving.suite import QUICK, Suite
    from benchmarks.serving.tables import tables
    from serving.server.errors import ServingError

    tf.get_logger().setLevel(logging.ERROR)
    console = Console(highlight=False)
    console.width = max(console.width, _NARROWEST)
    suite = QUICK if options.quick else Suite()
    path = (options.out or options.var / "bench") / "serving.json"
    try:
        with tempfile.TemporaryDirectory(prefix="load_test_") as folder:
            console.print(f"This takes about {suite.expected_seconds / 60:.1f} minutes on a quiet machine.")
            found = LoadTest(chosen, suite, Path(folder), console.print).run()
    except (ServerError, ServingError, OSError, LookupError, subprocess.CalledProcessError) as error:
        return _told(error)
    record.write(path, found)
    for table in tables(found):
        console.print(table)
        console.print()
    took = (time.monotonic() - began) / 60
    console.print(f"written to {path}, after {took:.1f} minutes")
    if options.quick:
        console.print("--quick: too short to judge any goal")
        return 0
    for goal in found["goals"]:
        if goal["verdict"] != Verdict.REACHED:
            console.print(f"{goal['verdict']}: {goal['name']}")
    return exit_status(goal["verdict"] for goal in found["goals"])


def exit_status(verdicts: Iterable[str]) -> int:
    """Return 1 when a goal is missed, 3 when one is unclear, else 0."""
    found = set(verdicts)
    if Verdict.MISSED in found:
        return 1
    return 3 if Verdict.UNCLEAR in found else 0


def _told(error: Exception) -> int:
    print(f"benchmarks.serving: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
