"""Read the command line, run a subcommand, and end the process with its exit status."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from cyclopts import App

from pipelines.cli import (
    check,
    compile_job,
    completion,
    continuous,
    data_versions,
    doctor,
    gc,
    ingest,
    leaderboard,
    monitor,
    new_task,
    node,
    portfolio,
    predict,
    production_metrics,
    replay,
    report,
    review,
    run,
    runs,
    submit,
    tensorboard,
    tune,
)
from serving.cli import usage
from serving.cli.usage import OPTION_STYLE
from serving.process_control import exit_now, print_on_any_terminal

SCRIPT = "tfx-pipeline"
PROGRAM = SCRIPT if Path(sys.argv[0]).name == SCRIPT else "python -m pipelines"

app = App(
    name=PROGRAM,
    help="From rows to a model in production: train, gate, push, and show what runs did.",
    help_epilogue="""Examples:
  python -m pipelines run                  the taxi task, on TFX's trips
  python -m pipelines runs show            the newest run: nodes, gates, metrics
  python -m pipelines new-task --name churn --csv customers.csv --label left

Each command has its own help: python -m pipelines run --help.

Exit status: 0 done; 1 a gate refused, or something failed; 2 bad usage, or
another run is using the folder; 130 interrupted.
""",
    help_format="plaintext",
    version_flags=(),
    default_parameter=OPTION_STYLE,
)
_COMMANDS: tuple[tuple[Callable[..., int], str], ...] = (
    (run.run, run.EPILOGUE),
    (node.node, node.EPILOGUE),
    (ingest.ingest, ingest.EPILOGUE),
    (predict.predict, predict.EPILOGUE),
    (monitor.monitor, monitor.EPILOGUE),
    (production_metrics.production_metrics, production_metrics.EPILOGUE),
    (continuous.continuous, continuous.CONTINUOUS_EPILOGUE),
    (continuous.status, continuous.STATUS_EPILOGUE),
    (check.check, check.EPILOGUE),
    (replay.replay, replay.EPILOGUE),
    (tune.tune, tune.EPILOGUE),
    (portfolio.portfolio, portfolio.EPILOGUE),
    (report.report, report.EPILOGUE),
    (leaderboard.leaderboard, leaderboard.EPILOGUE),
    (tensorboard.tensorboard, tensorboard.EPILOGUE),
    (review.review, review.EPILOGUE),
    (new_task.new_task, new_task.EPILOGUE),
    (data_versions.data_pin, data_versions.PIN_EPILOGUE),
    (data_versions.data_restore, data_versions.RESTORE_EPILOGUE),
    (gc.gc, gc.GC_EPILOGUE),
    (gc.disk, gc.DISK_EPILOGUE),
)
for _place, (_command, _epilogue) in enumerate(_COMMANDS):
    app.command(_command, help_epilogue=_epilogue, sort_key=_place)
app.command(runs.app)
app.command(submit.app)
app.command(compile_job.app)  # its own sort key puts it after `submit`
app.command(doctor.doctor, help_epilogue=doctor.EPILOGUE, sort_key=len(_COMMANDS) + 1)
app.command(completion.completion, help_epilogue=completion.EPILOGUE, sort_key=len(_COMMANDS) + 2)


def main() -> NoReturn:
    """Run the command line of this process, and end the process."""
    print_on_any_terminal()
    status = execute(sys.argv[1:])
    if "tensorflow" in sys.modules:
        exit_now(status)
    sys.exit(status)


def execute(arguments: Sequence[str]) -> int:
    """Run a command line and return the exit status; report usage errors on standard error."""
    return usage.execute(app, arguments)
