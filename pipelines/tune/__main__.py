"""Searches for better hyperparameters of a task, and proposes a change of its file; a person commits it.

    python -m pipelines.tune                     the taxi task
    python -m pipelines.tune --minutes 60 --trials 200

Runs the pipeline's nodes up to Tuner, from the cache where nothing changed. Then the best few trials and the committed
values are trained with several seeds each, and compared on training rows that no trial was scored on. What is better
beyond noise is proposed as a patch, below var/tune/; the task's file itself is left alone. docs/tuning.md says more.

Exit status: 0 done, whether there is a proposal or not; 1 something failed; 2 bad usage, or another run is using the
folder; 130 interrupted.
"""

from pipelines.experiments import command
from serving.process_control import exit_now, gc_paused_imports


def _body(context: command.CommandContext) -> None:
    with gc_paused_imports():
        from pipelines.experiments import tune

    tune.run(context)


if __name__ == "__main__":
    exit_now(command.main("tune", __doc__, _body))
