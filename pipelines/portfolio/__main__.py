"""Tries each architecture of a task within the same budget: what it may reach, what it costs, how likely it is best.

    python -m pipelines.portfolio                the taxi task
    python -m pipelines.portfolio --minutes 60 --trials 200

Each architecture is searched, and its best trial is trained with several seeds; all are compared on training rows that
no trial was scored on. What fails or runs out of time is reported, and does not stop the rest. The table stands as JSON
below var/portfolio/, too. docs/tuning.md says how the chances are found.

Exit status: 0 done; 1 something failed, such as every architecture; 2 bad usage, or another run is using the folder;
130 interrupted.
"""

from pipelines.experiments import command
from serving.process_control import exit_now, gc_paused_imports


def _body(context: command.CommandContext) -> None:
    with gc_paused_imports():
        from pipelines.experiments import portfolio

    portfolio.run(context)


if __name__ == "__main__":
    exit_now(command.main("portfolio", __doc__, _body))
