"""The local runner: the whole training pipeline on this machine, in one process.

    python -m pipelines.local                     the taxi task on the trips that ship with TFX
    python -m pipelines.local --data trips.csv    the same task on your own trips
    python -m pipelines.local --force             compute everything anew

Everything is written below --var: the pushed model in serving/<task>/<version>/, the record of the run in
runs/latest/summary.json, its log in runs/latest/run.log.

Exit status: 0 a model that passed every gate is in place; 1 a gate said no, or a node failed; 2 bad usage, or another
run is using the folder; 130 interrupted.
"""

import datetime
import os
import shutil
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TextIO

from pipelines.lock import BusyError, exclusive
from pipelines.options import INTERRUPTED, REFUSED, USAGE, Options, parse
from pipelines.run_log import divert_output


def main(arguments: list[str] | None = None) -> int:
    """Runs the pipeline and returns the exit status."""
    options = parse(__doc__, arguments)
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # `kill` leaves a state as clean as Ctrl-C does.
    try:
        with exclusive(options.var):
            return _run(options)
    except BusyError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE
    except OSError as error:
        message = f"error: cannot write below {options.var}: {error}; free or unlock it, or choose another --var"
        print(message, file=sys.stderr)
        return REFUSED


def _run(options: Options) -> int:
    # Imported inside: they load TFX, and neither --help nor a busy folder should wait for that.
    from rich.console import Console

    directory = _run_directory(options.var.absolute())
    scratch = _own_scratch(options.var.absolute() / "tmp")
    terminal: TextIO = sys.stdout if options.verbose else divert_output(directory / "run.log")
    console = Console(file=terminal, highlight=False)
    try:
        with console.status("loading TFX"):
            from pipelines import local_run
        return local_run.run(options, directory, console)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # The import failed: local_run tells of all other errors itself.
        traceback.print_exc()
        console.print(f"error: the pipeline cannot be loaded: {error}", markup=False, soft_wrap=True)
        console.print(f"the traceback is in {directory / 'run.log'}", markup=False, soft_wrap=True)
        return REFUSED
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _own_scratch(directory: Path) -> Path:
    """Makes an empty folder the place for temporary files of this process and its children, and returns it.

    Beam and TensorFlow leave files in the system's one when they are killed; ours is emptied by the next run.
    """
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(directory)
    return directory


def _run_directory(var: Path) -> Path:
    """A new folder for this run, named after the time (UTC)."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    runs = var / "runs"
    taken = len(list(runs.glob(f"{now}*")))
    directory = runs / (f"{now}-{taken}" if taken else now)
    directory.mkdir(parents=True)
    return directory


if __name__ == "__main__":
    sys.exit(main())
