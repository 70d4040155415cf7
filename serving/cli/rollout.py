"""`rollout`: move a model from one version to another, and back."""

import dataclasses
from pathlib import Path
from types import ModuleType
from typing import Annotated

from cyclopts import App, Parameter

from serving.cli.usage import OPTION_STYLE, UsageError, require, run
from serving.rollout.options import ReplayOptions, RolloutOptions, VerdictLimits, address

EPILOGUE = """Exit status: 0 done; 1 a step failed or the canary differs, and the state
before is restored; 2 refused, and nothing was changed.
"""
_FLAT = Parameter(name="*")  # the record's fields are separate options: --timeout, not --options.timeout
_GIVEN = Parameter(parse=False)  # parsed by `_launch`, which every command shares

app = App(
    name="rollout",
    help_epilogue=EPILOGUE,
    help_format="plaintext",
    version_flags=(),
    sort_key=2,
    default_parameter=OPTION_STYLE,
)


@app.meta.default
def _launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    options: Annotated[RolloutOptions | None, _FLAT] = None,
) -> int:
    """Roll a model version out and back."""
    return run(app, tokens, options=_checked(options or RolloutOptions()))


@app.command(sort_key=0)
def status(*, options: Annotated[RolloutOptions, _GIVEN]) -> int:
    """Show versions on disk and on servers, models.config, and the last steps; exit status 1 if something is wrong."""
    return _command().status(options)


@app.command(sort_key=1)
def pin(*, options: Annotated[RolloutOptions, _GIVEN]) -> int:
    """Keep the version that answers now, so that a push alone changes nothing."""
    return _command().pin(options)


@app.command(sort_key=2)
def canary(
    version: int,
    /,
    *,
    percent: float,
    compare: Path | None = None,
    replay: Annotated[ReplayOptions | None, _FLAT] = None,
    limits: Annotated[VerdictLimits | None, _FLAT] = None,
    options: Annotated[RolloutOptions, _GIVEN],
) -> int:
    """Try a version in addition to the stable one, with a share of the requests.

    Args:
        version: The version to try.
        percent: Percent of the requests, 0 to 100.
        compare: Replay these requests first, and undo the step if the canary differs.
        replay: Options of the replay.
        limits: Limits of the verdict.
        options: See `_launch`.

    Returns:
        The exit status.
    """
    require("--percent", percent, 0, 100, "a number from 0 to 100")
    replay, limits = _checked_replay(replay or ReplayOptions()), _checked_limits(limits or VerdictLimits())
    return _command().canary(options, version, percent, compare, replay, limits)


@app.command(sort_key=3)
def compare(
    requests: Path,
    /,
    *,
    rollback_on_fail: bool = False,
    replay: Annotated[ReplayOptions | None, _FLAT] = None,
    limits: Annotated[VerdictLimits | None, _FLAT] = None,
    options: Annotated[RolloutOptions, _GIVEN],
) -> int:
    """Replay requests on the stable version and the canary; exit status 1 if the canary differs.

    A stable SD, the unit of two default limits, is a standard deviation of the stable version's predictions.

    Args:
        requests: The gateway's request log, a Parquet file of it, or a file of JSON lines.
        rollback_on_fail: End the trial when the canary differs.
        replay: Options of the replay.
        limits: Limits of the verdict.
        options: See `_launch`.

    Returns:
        The exit status.
    """
    replay, limits = _checked_replay(replay or ReplayOptions()), _checked_limits(limits or VerdictLimits())
    return _command().compare(options, requests, replay, limits, rollback_on_fail=rollback_on_fail)


@app.command(sort_key=4)
def promote(*, version: int | None = None, options: Annotated[RolloutOptions, _GIVEN]) -> int:
    """Make the canary the stable version.

    Args:
        version: Refuse unless this version is on trial.
        options: See `_launch`.

    Returns:
        The exit status.
    """
    return _command().promote(options, version)


@app.command(sort_key=5)
def rollback(
    *,
    version: int | None = None,
    only_unfinished: Annotated[bool, Parameter(negative=())] = False,
    options: Annotated[RolloutOptions, _GIVEN],
) -> int:
    """Repair a killed step, or end the trial, or undo the last promotion.

    Args:
        version: End the trial of this version; refuse anything else.
        only_unfinished: Repair a killed step; refuse anything else.
        options: See `_launch`.

    Returns:
        The exit status.

    Raises:
        UsageError: Both a version and --only-unfinished were passed.
    """
    if version is not None and only_unfinished:
        raise UsageError("expected --version or --only-unfinished, received both")
    return _command().rollback(options, version, only_unfinished=only_unfinished)


@app.command(sort_key=6)
def reload(*, options: Annotated[RolloutOptions, _GIVEN]) -> int:
    """Make the servers follow models.config, after an edit by hand."""
    return _command().reload(options)


def _command() -> ModuleType:
    """Import the commands, which load gRPC; --help does not need it."""
    from serving.rollout import command

    return command


def _checked(options: RolloutOptions) -> RolloutOptions:
    require("--timeout", options.timeout, 1e-9, 1e9, "a number above 0")
    require("--drain", options.drain, 0, 1e9, "a number of at least 0")
    for text in options.server:
        try:
            address(text)
        except ValueError as error:
            raise UsageError(f"--server: {error}") from error
    return options


def _checked_replay(replay: ReplayOptions) -> ReplayOptions:
    require("--limit", replay.limit, 1, 2**63, "a whole number of at least 1")
    return replay


def _checked_limits(limits: VerdictLimits) -> VerdictLimits:
    for field in dataclasses.fields(limits):
        option, number = f"--{field.name.replace('_', '-')}", getattr(limits, field.name)
        if field.name == "min_rows":
            require(option, number, 1, 2**63, "a whole number of at least 1")
        elif number is not None and field.type is not int:
            require(option, number, 0, 1e9, "a number of at least 0")
    return limits
