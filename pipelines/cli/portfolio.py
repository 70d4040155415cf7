"""`portfolio`: every architecture within the same budget."""

from typing import Annotated

from cyclopts import Parameter

from pipelines.cli.task import require_task
from pipelines.experiments import command
from pipelines.experiments.command import CommandContext, ExperimentOptions
from serving.process_control import gc_paused_imports

EPILOGUE = """Examples:
  python -m pipelines portfolio                 the taxi task
  python -m pipelines portfolio --minutes 60 --trials 200

Exit status: 0 done; 1 something failed, such as every architecture; 2 bad
usage, or another run is using the folder; 130 interrupted.
"""


def portfolio(options: Annotated[ExperimentOptions | None, Parameter(name="*")] = None) -> int:
    """Compare a task's architectures within the same budget: score, cost, probability of being the best.

    Each architecture is searched for two thirds of --minutes, and its best
    trial is trained with several seeds; all are compared on training rows that
    no trial was scored on. What fails or runs out of time is reported, and
    does not stop the rest. The table stands as JSON below <var>/portfolio/,
    too. docs/how-to/tuning.md says how the chances are found.
    """
    options = options or ExperimentOptions()
    require_task(options.task)
    return command.run("portfolio", options, _body)


def _body(context: CommandContext) -> None:
    with gc_paused_imports():
        from pipelines.experiments import portfolio

    portfolio.run(context)
