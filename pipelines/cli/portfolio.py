"""`portfolio`: compare a task's architectures within the same budget."""

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

    Each architecture gets --minutes: two thirds for a search of its
    hyperparameters, the rest for trainings of its best trial with several
    seeds. All are compared on training rows that no trial was scored on. An
    architecture that fails or runs out of time is reported, and does not stop
    the others. The table is also written as JSON below <var>/portfolio/.
    docs/how-to/tuning.md says how the probabilities are computed.

    Returns:
        The exit status.
    """
    options = options or ExperimentOptions()
    require_task(options.task)
    return command.run("portfolio", options, _body)


def _body(context: CommandContext) -> None:
    with gc_paused_imports():
        from pipelines.experiments import portfolio

    portfolio.run(context)
