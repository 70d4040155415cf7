"""The command line of the local runner, and its exit statuses."""

import argparse
import dataclasses
from pathlib import Path

DONE, REFUSED, USAGE, INTERRUPTED = 0, 1, 2, 130


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


def parse(description: str | None, arguments: list[str] | None = None) -> Options:
    """Reads the command line; exits with status USAGE when it cannot be understood."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.local", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
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


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, received {text}")
    return value
