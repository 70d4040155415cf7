"""`continuous` and `status`: retrain when it is due, and show the loop's state."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pipelines.cli.task import require_task
from pipelines.retraining.options import ContinuousOptions
from serving.cli.usage import require

CONTINUOUS_EPILOGUE = """Examples:
  python -m pipelines continuous --once --from /drop      for cron
  python -m pipelines continuous --dry-run                what would be decided
  python -m pipelines continuous --from /drop --server 127.0.0.1:8500:8501

Exit status: 0 nothing failed, whether it trained or not; 1 something failed, or
a gate or a comparison refused the model; 2 bad usage, or another loop or run is
using the folder; 130 interrupted.
"""
STATUS_EPILOGUE = """Examples:
  python -m pipelines status
  python -m pipelines status --last 20

Exit status: 0 shown; 1 a file cannot be used; 2 bad usage.
"""


def continuous(options: Annotated[ContinuousOptions | None, Parameter(name="*")] = None) -> int:
    """Observe, decide by the task's retraining.toml, and act: train, push, try, promote or roll back.

    Ingests new spans, judges the traffic, measures production metrics, and
    decides. Records each decision with its reasons, also one not to train, in
    <var>/continuous/<task>/decisions.jsonl. A training is a run of the whole
    pipeline, with every gate. With --server, the new version is then a canary:
    it gets a share of the requests, is compared with the stable version on
    logged requests, and is promoted or rolled back.

    If it is killed, the next call continues from there. See
    docs/how-to/operate.md.

    Returns:
        The exit status.
    """
    options = options or ContinuousOptions()
    require_task(options.task)
    from pipelines.retraining import command  # import late: --help does not need it

    return command.run_loop(options)


def status(*, task: str = "taxi", last: int = 5, model_config_file: Path | None = None, var: Path = Path("var")) -> int:
    """Show the loop's state, its last decisions, and when a training is due next.

    Args:
        task: A folder below pipelines/tasks/, or a dotted package.
        last: Show at most this many decisions.
        model_config_file: The servers' --model_config_file; without it, <var>/serving/models.config.
        var: The folder that the loop wrote to.

    Returns:
        The exit status.
    """
    require_task(task)
    require("--last", last, 1, 10**9, "1 or more")
    from pipelines.retraining import command  # import late: --help does not need it

    return command.show_state(ContinuousOptions(task=task, model_config_file=model_config_file, var=var), last)
