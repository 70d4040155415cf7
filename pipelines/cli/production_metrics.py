"""`production-metrics`: show metrics in production, and compare them with those of the version's run."""

import logging
import math
import os
import sys
import warnings
from pathlib import Path

from pipelines.cli.task import require_task
from serving.cli.usage import UsageError, require

_SHOWN, _FAILED = 0, 1
_WIDTH_OF_A_PIPE = 240  # characters, if the output is no terminal

EPILOGUE = """Examples:
  python -m pipelines production-metrics                       the newest week
  python -m pipelines production-metrics --window 24h --windows 7
  python -m pipelines production-metrics --log requests/ --feedback feedback/

Exit status: 0 shown; 1 the log, the feedback or a run cannot be used; 2 bad
usage.
"""


def production_metrics(
    *,
    task: str = "taxi",
    var: Path = Path("var"),
    log: Path | None = None,
    feedback: Path | None = None,
    window: str = "7d",
    windows: int = 1,
    all_slices: bool = False,
    out: Path | None = None,
) -> int:
    """Compare metrics in production with what was promised, and estimate them before labels come.

    Joins logged predictions with the outcomes that have been reported, and
    measures each window, version and slice. The promise is the value on the
    eval split of the run that pushed the version.

    Args:
        task: A folder below pipelines/tasks/, or a dotted package.
        var: The folder that the runs wrote to.
        log: The gateway's request log; without it, <var>/requests/<task>/.
        feedback: The reported outcomes; without it, <var>/feedback/<task>/.
        window: Length of a window, such as 24h, 7d or 4w; the newest ends with the log's last row.
        windows: The most windows to measure.
        all_slices: Also show slices whose gaps chance alone explains.
        out: JSON file for all results; without it, <var>/production_metrics/<task>.json.

    Returns:
        The exit status.

    Raises:
        UsageError: An option cannot be used.
    """
    require_task(task)
    require("--windows", windows, 1, math.inf, "1 or more")
    from pipelines.production_metrics.errors import ProductionMetricsError  # import late: the rest loads TensorFlow
    from pipelines.production_metrics.windows import parse_length

    try:
        length = parse_length(window)
    except ProductionMetricsError as error:
        raise UsageError(f"--window: {error}") from error
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # hides TensorFlow's notes about the machine
    warnings.filterwarnings("ignore", module="google")  # advice on Python versions, which the stack fixes
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # TFMA reads its records with a deprecated function
    from rich.console import Console

    from pipelines.production_metrics.command import measure_task
    from pipelines.production_metrics.table import show_metrics
    from pipelines.runs import RunError

    console = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE)
    name = task.rpartition(".")[2]  # also the name of its folders
    path = out or var / "production_metrics" / f"{name}.json"
    try:
        found = measure_task(
            task,
            var,
            log=log or var / "requests" / name,
            feedback=feedback or var / "feedback" / name,
            length=length,
            most=windows,
        )
        found.write(path)
        show_metrics(console, found, all_slices=all_slices)
        console.print(f"all of it  {path}", soft_wrap=True, markup=False)
        sys.stdout.flush()
    except (ProductionMetricsError, RunError, OSError) as error:
        if isinstance(error, BrokenPipeError):  # `| head` closed the pipe: the flush at exit must not fail
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return _SHOWN
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    return _SHOWN
