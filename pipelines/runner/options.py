"""The command line of the local runner."""

import argparse
import dataclasses
from pathlib import Path

from pipelines.runner.argument_types import minutes, path, whole
from pipelines.runner.docker_engine import DockerError, require
from pipelines.task_definition.lookup import TaskError, task_module


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """The command line."""

    task: str
    data: Path | None  # absolute; None: what the task prepares by itself
    var: Path  # absolute
    train_steps: int | None  # None: the task's own
    tune: bool
    trials: int | None  # of the search; None: as many as are usual
    minutes: float | None
    warm_start: bool
    mixed_precision: bool
    distribute: str
    infra: str
    push_to: Path | None  # absolute; None: serving/ below var
    require_review: bool
    force: bool
    verbose: bool


def parse(description: str | None, arguments: list[str] | None = None) -> Options:
    """Reads the command line; exits with status 2 when it cannot be understood."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.runner", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", default="taxi", help="a folder below pipelines/ (default: taxi), or a dotted package")
    parser.add_argument("--data", type=path, help="a CSV file, or a folder of them (default: the task's own data)")
    parser.add_argument("--var", type=path, default="var", help="where everything is written (default: var)")
    parser.add_argument("--train-steps", type=whole(1), metavar="N", help="train on N batches at most")
    parser.add_argument(
        "--tune", action="store_true", help="search for hyperparameters instead of taking the committed ones"
    )
    parser.add_argument("--trials", type=whole(1), metavar="N", help="with --tune: sets of hyperparameters at most")
    parser.add_argument("--minutes", type=minutes, metavar="N", help="with --tune: time for the search at most")
    parser.add_argument("--warm-start", action="store_true", help="start from the weights of the latest blessed model")
    parser.add_argument("--mixed-precision", action="store_true", help="compute in float16 where there is a GPU")
    parser.add_argument(
        "--distribute",
        choices=("auto", "none", "mirrored"),
        default="auto",
        help="train on several GPUs at once (default: auto, when there are several)",
    )
    parser.add_argument(
        "--infra",
        choices=("embedded", "docker"),
        default="embedded",
        help="what must serve a model before it is pushed: the embedded model server (default), or TensorFlow Serving "
        "in Docker as well",
    )
    parser.add_argument("--push-to", type=path, metavar="DIR", help="push to DIR/<task>/ (default: below --var)")
    parser.add_argument(
        "--require-review", action="store_true", help="push only what a person has reviewed (docs/review.md)"
    )
    parser.add_argument("--force", action="store_true", help="ignore the cache: run every node")
    parser.add_argument("--verbose", action="store_true", help="show the log on the terminal, not in run.log")
    options = Options(**vars(parser.parse_args(arguments)))
    if options.tune and options.require_review:
        parser.error("--tune finds hyperparameters that nobody has reviewed: commit them, then --require-review")
    if not options.tune and (options.trials or options.minutes):
        parser.error("--trials and --minutes belong to a search: give --tune, too")
    try:
        task_module(options.task)
        if options.infra == "docker":
            require()
    except (DockerError, TaskError) as error:
        parser.error(str(error))
    return options
