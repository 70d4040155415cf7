"""Bad usage of the command line: how it is found and told."""

import sys
from collections.abc import Sequence

from cyclopts import App, CoercionError, CycloptsError, UnusedCliTokensError

USAGE = 2  # exit status
_KINDS = {int: "a whole number", float: "a number"}


class UsageError(Exception):
    """The command line cannot be used."""


def execute(app: App, arguments: Sequence[str]) -> int:
    """Runs a command line and returns the exit status; bad usage is told on standard error."""
    try:
        return run(app, arguments)
    except (CycloptsError, UsageError) as error:
        called = " ".join([*app.name, *app.parse_commands(list(arguments))[0]])
        said = _explain(error) if isinstance(error, CycloptsError) else str(error)
        print(f"{called}: error: {said}\nSee {called} --help.", file=sys.stderr)
        return USAGE


def run(app: App, arguments: Sequence[str], **context: object) -> int:
    """Runs a command line with what the command does not parse itself, and returns the exit status.

    Raises:
        CycloptsError, UsageError: Bad usage.
    """
    command, bound, ignored = app.parse_args(list(arguments), exit_on_error=False, print_error=False)
    status = command(*bound.args, **bound.kwargs, **{name: context[name] for name in ignored})
    if command == app.help_print and not {"--help", "-h"}.intersection(arguments):
        return USAGE  # No subcommand: the help says which there are.
    return status or 0


def require(option: str, number: float, low: float, high: float, expected: str) -> None:
    """Requires that an option's number lies in a range.

    Raises:
        UsageError: It does not; NaN never does.
    """
    if not low <= number <= high:
        raise UsageError(f"{option}: expected {expected}, received {number:g}")


def _explain(error: CycloptsError) -> str:
    if isinstance(error, CoercionError) and error.token is not None and error.target_type in _KINDS:
        name = error.token.keyword or (error.argument.name if error.argument else "argument")
        return f"{name}: expected {_KINDS[error.target_type]}, received {error.token.value!r}"
    if isinstance(error, UnusedCliTokensError):
        return f"expected options only, received {' '.join(error.unused_tokens or ())!r}"
    return str(error)
