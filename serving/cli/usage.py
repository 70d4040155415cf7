"""The style of a command line: how options are read, and how usage errors are reported. `python -m pipelines` uses it,
too.
"""

import re
import sys
from collections.abc import Sequence
from typing import Any, get_args

from cyclopts import App, CoercionError, CycloptsError, Parameter, Token, UnusedCliTokensError, convert

USAGE = 2  # exit status


class UsageError(Exception):
    """The command line cannot be used."""


def execute(app: App, arguments: Sequence[str]) -> int:
    """Run a command line and return the exit status; report usage errors on standard error."""
    try:
        return run(app, arguments)
    except (CycloptsError, UsageError) as error:
        called = " ".join([*app.name, *app.parse_commands(list(arguments))[0]])
        said = _explain(error) if isinstance(error, CycloptsError) else str(error)
        print(f"{called}: error: {said}\nSee {called} --help.", file=sys.stderr)
        return USAGE


def run(app: App, arguments: Sequence[str], **context: object) -> int:
    """Run a command line, and pass further arguments to the command.

    Args:
        app: the commands.
        arguments: the command line.
        context: arguments that the command does not parse itself.

    Returns:
        The exit status.

    Raises:
        CycloptsError: Bad usage.
        UsageError: Bad usage.
    """
    try:
        command, bound, ignored = app.parse_args(list(arguments), exit_on_error=False, print_error=False)
    except ValueError as error:  # a record of options refused its values
        raise UsageError(str(error)) from error
    status = command(*bound.args, **bound.kwargs, **{name: context[name] for name in ignored})
    if command == app.help_print and not {"--help", "-h"}.intersection(arguments):
        return USAGE  # no subcommand was given: the help lists them
    return status or 0


def read_value(kind: Any, tokens: Sequence[Token]) -> Any:
    """Read an option's value for cyclopts, which itself would round 1.5 to a whole number.

    Args:
        kind: the option's type.
        tokens: its text.

    Returns:
        The value.

    Raises:
        ValueError: The text is not a number, for a number's type.
        CoercionError: The text is not a value of another type.
    """
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


# For every option: no --no-x, and no "[default: None]". The last of a repeated option counts: make's SERVE, GATEWAY and
# ROLLOUT follow the options that make itself passes.
OPTION_STYLE = Parameter(
    negative=(),
    allow_repeating=True,
    show_default=lambda default: None if default in (None, False) else default,
    converter=read_value,
)


def require(option: str, number: float, low: float, high: float, expected: str) -> None:
    """Require that an option's number is in a range.

    Args:
        option: its name.
        number: its value.
        low: the smallest allowed number.
        high: the largest allowed number.
        expected: the range in words.

    Raises:
        UsageError: The number is outside the range, or NaN.
    """
    if not low <= number <= high:
        raise UsageError(f"{option}: expected {expected}, received {number:g}")


def _explain(error: CycloptsError) -> str:
    if isinstance(error, CoercionError) and error.token is not None and error.msg is not None:
        name = error.token.keyword or (error.argument.name if error.argument else "argument")
        return f"{name}: {error.msg}"
    if isinstance(error, UnusedCliTokensError):
        return f"expected options only, received {' '.join(error.unused_tokens or ())!r}"
    return str(error)
