"""The local runner: the whole training pipeline on this machine, in one process.

    python -m pipelines.local                     the taxi task on the trips that ship with TFX
    python -m pipelines.local --data trips.csv    the same task on your own trips
    python -m pipelines.local --force             compute everything anew

Everything is written below --var: the pushed model in serving/<task>/<version>/, the record of the run in
runs/latest/summary.json, its log in runs/latest/run.log.

Exit status: 0 a model that passed every gate is in place; 1 a gate said no, or a node failed; 2 bad usage, or another
run is using the folder; 130 interrupted.
"""

import argparse
import dataclasses
import datetime
import signal
import sys
import traceback
from pathlib import Path

from pipelines.lock import BusyError, exclusive

USAGE, REFUSED, INTERRUPTED = 2, 1, 130


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """The command line."""

    task: str
    data: Path | None  # None: what the task prepares by itself
    var: Path
    train_steps: int | None  # None: the task's own
    warm_start: bool
    mixed_precision: bool
    distribute: str
    force: bool
    verbose: bool


def parse(arguments: list[str] | None = None) -> Options:
    """Reads the command line; exits with status 2 on bad usage."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.local", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", default="taxi", help="folder below pipelines/, or a dotted package with a module `task`")
    parser.add_argument("--data", type=Path, help="a CSV file, or a folder of CSV files (default: the task's own data)")
    parser.add_argument("--var", type=Path, default=Path("var"), help="where everything is written (default: var)")
    parser.add_argument("--train-steps", type=_positive, metavar="N", help="batches to train at most")
    parser.add_argument("--warm-start", action="store_true", help="start from the weights of the latest blessed model")
    parser.add_argument("--mixed-precision", action="store_true", help="compute in float16 where there is a GPU")
    parser.add_argument(
        "--distribute",
        choices=("auto", "none", "mirrored"),
        default="auto",
        help="train on several GPUs at once (default: auto, when there are several)",
    )
    parser.add_argument("--force", action="store_true", help="ignore the cache: run every node")
    parser.add_argument("--verbose", action="store_true", help="show the log on the terminal, not in run.log")
    return Options(**vars(parser.parse_args(arguments)))


def main(arguments: list[str] | None = None) -> int:
    """Runs the pipeline and returns the exit status."""
    options = parse(arguments)
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # `kill` leaves a state as clean as Ctrl-C does.
    try:
        with exclusive(options.var):
            directory = _run_directory(options.var.absolute())
            # Here, not above: it imports TFX, and neither --help nor a busy folder should wait for that.
            from pipelines.run_log import divert_output

            terminal = sys.stdout if options.verbose else divert_output(directory / "run.log")
            return _run(options, directory, terminal)
    except BusyError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE
    except OSError as error:
        print(f"error: cannot write below {options.var}: {error}; free or unlock it, or choose another --var",
              file=sys.stderr)
        return REFUSED


def _run(options: Options, directory: Path, terminal) -> int:  # type: ignore[no-untyped-def]
    from rich.console import Console

    console = Console(file=terminal, highlight=False)
    try:
        with console.status("loading TFX"):
            from pipelines import local_run
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # Whatever stops the import is told, and its traceback is in the log.
        traceback.print_exc()
        console.print(f"error: the pipeline cannot be loaded: {error}; the traceback is in {directory / 'run.log'}")
        return REFUSED
    return local_run.run(options, directory, console)


def _run_directory(var: Path) -> Path:
    """A new folder for this run, named after the time (UTC)."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    runs = var / "runs"
    taken = len(list(runs.glob(f"{now}*")))
    directory = runs / (f"{now}-{taken}" if taken else now)
    directory.mkdir(parents=True)
    return directory


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, received {text}")
    return value


if __name__ == "__main__":
    sys.exit(main())
