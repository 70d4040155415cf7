"""`run`: run the whole pipeline."""

from typing import Annotated

from cyclopts import Parameter

from pipelines.cli.task import require_task
from pipelines.options import RunOptions
from pipelines.runner.docker_engine import DockerError, require_docker
from serving.cli.usage import UsageError

EPILOGUE = """Examples:
  python -m pipelines run                      the taxi task, on TFX's trips
  python -m pipelines run --data trips.csv     the same task, on your own trips
  python -m pipelines run --spans last:4       on the newest four quarters
  python -m pipelines run --tune --minutes 30  search hyperparameters first
  python -m pipelines run --force              ignore the cache
  python -m pipelines run --watch              run again at every saved file

Exit status: 0 a model that passed every gate is pushed, or the run ended as a
tie or an experiment; 1 a gate refused, or a node failed; 2 bad usage, or
another run is using the folder; 130 interrupted.
"""


def run(options: Annotated[RunOptions | None, Parameter(name="*")] = None) -> int:
    """Run the whole pipeline on this machine: from rows to a pushed model.

    Everything is written below --var: the pushed model in
    serving/<task>/<version>/, the record of the run in
    runs/latest/summary.json, the same for people in runs/latest/report.html,
    its log in runs/latest/run.log.

    A node that ran before on the same inputs, with the same code and settings,
    is not run again. Ctrl-C stops a run; the next one continues after the last
    finished node.

    Nodes that do not depend on each other run at the same time, if there are
    enough cores and memory: Evaluator and SkewGate, for example.

    Returns:
        The exit status.
    """
    options = options or RunOptions()
    check_run_options(options)
    from pipelines.runner import command  # import late: --help does not need numpy

    if options.watch:
        from pipelines.runner.watch import watch  # import late: it loads pandas

        return watch(options)
    return command.run(options)


def check_run_options(options: RunOptions) -> None:
    """Check that the task exists, and that Docker answers if the options need it.

    Args:
        options: of the command line.

    Raises:
        UsageError: There is no such task, or no Docker engine.
    """
    require_task(options.task)
    if options.infra == "docker":
        try:
            require_docker()
        except DockerError as error:
            raise UsageError(str(error)) from error
