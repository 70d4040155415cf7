"""`replay`: a task's history in minutes."""

from typing import Annotated

from cyclopts import Parameter

from pipelines.cli.task import require_task
from pipelines.replay.options import ReplayOptions

EPILOGUE = """Examples:
  python -m pipelines replay --from var/data/taxi-spans
  python -m pipelines replay --from quarters/ --first 6 --var /tmp/replay

Exit status: 0 played to the end; 1 something failed; 2 bad usage, or another
replay uses the folder; 130 interrupted.
"""


def replay(options: Annotated[ReplayOptions, Parameter(name="*")]) -> int:
    """Play a task's spans through the gateway, with monitoring and retraining behind it.

    The first spans train the first model. The rows of each later one are sent
    to a gateway of the replay's own, answered and logged; their outcomes come
    afterwards; the retraining loop looks, decides, trains, tries and promotes.
    The page compares its models with the first one left alone.

    Everything is written below <var>: page.html, summary.json, and all that
    the commands write. docs/how-to/replay.md says more.
    """
    require_task(options.task)
    from pipelines.replay import command  # Imported here: --help need not wait for it.

    return command.run(options)
