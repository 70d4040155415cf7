"""`production-metrics`: how good the model is in production, and whether that is what was promised."""

import logging
import math
import os
import sys
import warnings
from pathlib import Path

from pipelines.cli.task import require_task
from serving.cli.usage import UsageError, require

_SHOWN, _FAILED = 0, 1
_WIDTH_OF_A_PIPE = 240  # characters; a terminal has a width of its own

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
    """Show metrics in production beside what was promised, and estimates before labels come.

    Logged predictions are joined with the outcomes that were told since:
    per window, version and slice.

    Args:
        task: Whose predictions.
        var: The folder that the runs wrote to.
        log: The gateway's request log, instead of <var>/requests/<task>/.
        feedback: The outcomes, instead of <var>/feedback/<task>/.
        window: Length of a window, such as 24h, 7d or 4w; the newest ends with the log's last row.
        windows: How many windows at most.
        all_slices: Also show slices whose gaps chance alone explains.
        out: Where to write all of it as JSON, instead of <var>/production_metrics/<task>.json.
    """
    require_task(task)
    require("--windows", windows, 1, math.inf, "1 or more")
    from pipelines.production_metrics.errors import ProductionMetricsError  # Imported here: the rest loads TensorFlow.
    from pipelines.production_metrics.windows import parse_length

    try:
        length = parse_length(window)
    except ProductionMetricsError as error:
        raise UsageError(f"--window: {error}") from error
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's own notes on the machine
    warnings.filterwarnings("ignore", module="google")  # advice on Python versions, which the stack settles
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # TFMA reads its records by a deprecated function
    from rich.console import Console

    from pipelines.production_metrics.command import measure_task
    from pipelines.production_metrics.table import show_metrics
    from pipelines.runs import RunError

    console = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE)
    name = task.rpartition(".")[2]  # that its folders have, too
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
        if isinstance(error, BrokenPipeError):  # `| head` has seen enough; what is left must not fail at the exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return _SHOWN
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    return _SHOWN
