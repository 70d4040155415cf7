"""`replay`: replay a task's history in minutes."""

from typing import Annotated

from cyclopts import Parameter

from pipelines.cli.task import require_task
from pipelines.replay.options import ReplayOptions

EPILOGUE = """Examples:
  python -m pipelines replay --from var/data/taxi-spans
  python -m pipelines replay --from quarters/ --first 6 --var /tmp/replay

Exit status: 0 replayed to the end; 1 something failed; 2 bad usage, or another
replay uses the folder; 130 interrupted.
"""


def replay(options: Annotated[ReplayOptions, Parameter(name="*")]) -> int:
    """Replay a task's spans through a gateway, with monitoring and retraining.

    The first spans train the first model. Then, for each later span, the
    replay sends its rows to its own gateway, which answers and logs them, and
    reports their outcomes; the retraining loop observes, decides, trains, tries
    the version, and promotes it or not. The page compares the loop's models
    with the first model kept unchanged.

    Writes below <var>: page.html, summary.json, and the files of the commands
    that it runs. See docs/how-to/replay.md.

    Returns:
        The exit status.
    """
    require_task(options.task)
    from pipelines.replay import command  # import late: --help does not need it

    return command.run(options)
