"""`tune`: search for better hyperparameters, and propose a change."""

from typing import Annotated

from cyclopts import Parameter

from pipelines.cli.task import require_task
from pipelines.experiments import command
from pipelines.experiments.command import CommandContext, ExperimentOptions
from serving.process_control import gc_paused_imports

EPILOGUE = """Examples:
  python -m pipelines tune                      the taxi task
  python -m pipelines tune --minutes 60 --trials 200

Exit status: 0 done, whether there is a proposal or not; 1 something failed; 2
bad usage, or another run is using the folder; 130 interrupted.
"""


def tune(options: Annotated[ExperimentOptions | None, Parameter(name="*")] = None) -> int:
    """Search for better hyperparameters of a task, and propose a patch for a person to commit.

    Runs the pipeline's nodes up to Tuner, from the cache where nothing
    changed. The search takes two thirds of --minutes. Then trains the best few
    trials and the committed values with several seeds each, and compares them
    on training rows that no trial was scored on. If a trial is better by more
    than noise, writes a patch below <var>/tune/. Does not change the task's
    file. See docs/how-to/tuning.md.

    Returns:
        The exit status.
    """
    options = options or ExperimentOptions()
    require_task(options.task)
    return command.run("tune", options, _body)


def _body(context: CommandContext) -> None:
    with gc_paused_imports():
        from pipelines.experiments import tune

    tune.run(context)
