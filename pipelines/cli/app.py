"""Reads the command line, runs a subcommand, and ends the process with its exit status."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, get_args

from cyclopts import App, CoercionError, CycloptsError, Parameter, Token, UnusedCliTokensError, convert

from pipelines.cli import completion, new_task, portfolio, report, review, run, runs, tune
from pipelines.cli.usage import UsageError
from pipelines.config import ConfigError
from serving.process_control import exit_now

SCRIPT = "tfx-pipeline"
PROGRAM = SCRIPT if Path(sys.argv[0]).name == SCRIPT else "python -m pipelines"
USAGE = 2  # exit status


def _value(kind: Any, tokens: Sequence[Token]) -> Any:
    """Reads an option's value. Cyclopts itself would round 1.5 to a whole number."""
    text = tokens[0].value
    kinds = (kind, *get_args(kind))  # int | None is both
    if int in kinds and not re.fullmatch(r"-?\d+", text):
        raise ValueError(f"expected a whole number, received {text!r}")
    try:
        return convert(kind, tokens)
    except CoercionError as error:
        if float not in kinds:
            raise
        raise ValueError(f"expected a number, received {text!r}") from error


app = App(
    name=PROGRAM,
    help="From rows to a model in production: train, gate, push, and show what runs did.",
    help_epilogue="""Examples:
  python -m pipelines run                  the taxi task, on the trips in TFX
  python -m pipelines runs show            what happened in the newest run
  python -m pipelines new-task --name churn --csv customers.csv --label left

Each command has its own help: python -m pipelines run --help.

Exit status: 0 done; 1 a gate said no, or something failed; 2 bad usage, or
another run is using the folder; 130 interrupted.
""",
    help_format="plaintext",
    version_flags=(),
    default_parameter=Parameter(
        negative=(),
        show_default=lambda default: None if default in (None, False) else default,
        converter=_value,
    ),
)
_COMMANDS = (
    (run.run, run.EPILOGUE),
    (tune.tune, tune.EPILOGUE),
    (portfolio.portfolio, portfolio.EPILOGUE),
    (report.report, report.EPILOGUE),
    (review.review, review.EPILOGUE),
    (new_task.new_task, new_task.EPILOGUE),
)
for _place, (_command, _epilogue) in enumerate(_COMMANDS):
    app.command(_command, help_epilogue=_epilogue, sort_key=_place)
app.command(runs.app)
app.command(completion.completion, help_epilogue=completion.EPILOGUE, sort_key=len(_COMMANDS) + 1)


def main() -> NoReturn:
    """Runs the command line of this process."""
    status = execute(sys.argv[1:])
    if "tensorflow" in sys.modules:
        exit_now(status)
    sys.exit(status)


def execute(arguments: Sequence[str]) -> int:
    """Runs a command line and returns the exit status; bad usage is told on standard error."""
    try:
        command, bound, _ = app.parse_args(list(arguments), exit_on_error=False, print_error=False)
        status = command(*bound.args, **bound.kwargs)
    except CycloptsError as error:
        return _refuse(error.command_chain or (), _in_words(error))
    except (ConfigError, UsageError) as error:
        return _refuse(app.parse_commands(list(arguments))[0], str(error))
    if command == app.help_print and not {"--help", "-h"}.intersection(arguments):
        return USAGE  # No subcommand: the help says which there are.
    return status or 0


def _refuse(command_chain: Sequence[str], message: str) -> int:
    called = " ".join([PROGRAM, *command_chain])
    print(f"{called}: error: {message}\nSee {called} --help.", file=sys.stderr)
    return USAGE


def _in_words(error: CycloptsError) -> str:
    if isinstance(error, UnusedCliTokensError):
        return f"expected options only, received {' '.join(error.unused_tokens or ())!r}"
    return str(error)
