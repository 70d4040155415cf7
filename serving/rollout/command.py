"""Run the commands of a roll-out: each takes its options, prints its steps, and returns the exit status."""

import contextlib
import functools
import sys
from collections.abc import Callable
from pathlib import Path

from serving.rollout import interrupts, steps
from serving.rollout import replay as replaying
from serving.rollout import rollback as rolling_back
from serving.rollout import status as reporting
from serving.rollout.admin_client import AdminClient
from serving.rollout.errors import DiffersError, FailedError, PreconditionError, RolloutError
from serving.rollout.models_config import ModelsConfig
from serving.rollout.options import ReplayOptions, RolloutOptions, VerdictLimits, address
from serving.rollout.replay import ReplayPlan
from serving.rollout.rollout import Rollout
from serving.tls.errors import TlsError

_DONE, _FAILED, _REFUSED = 0, 1, 2


def status(options: RolloutOptions) -> int:
    """Show the state of disk, servers, models.config and log; fail when something is wrong."""
    return _run(options, None, lambda rollout: _DONE if reporting.show(rollout) else _FAILED)


def pin(options: RolloutOptions) -> int:
    """Keep the version that answers now."""
    return _run(options, "pin", steps.pin)


def canary(
    options: RolloutOptions,
    version: int,
    percent: float,
    requests: Path | None,
    replay: ReplayOptions,
    limits: VerdictLimits,
) -> int:
    """Start a trial of a version, after a comparison on `requests` if given.

    Args:
        options: of every command.
        version: to try.
        percent: of the requests, for the canary.
        requests: to compare stable and canary on; None skips the comparison.
        replay: which requests to replay.
        limits: of the comparison's verdict.

    Returns:
        The exit status: 0 done, 1 failed or different, 2 refused.
    """

    def body(rollout: Rollout) -> None:
        trial = None
        if requests is not None:
            plan = _plan(requests, replay, limits)
            replaying.check_plan(rollout, plan, version)
            trial = functools.partial(replaying.compare, rollout, plan)
        steps.canary(rollout, version, percent, trial)

    return _run(options, "canary", body)


def compare(
    options: RolloutOptions, requests: Path, replay: ReplayOptions, limits: VerdictLimits, *, rollback_on_fail: bool
) -> int:
    """Replay requests on the stable version and the canary."""

    def body(rollout: Rollout) -> None:
        try:
            replaying.compare_trial(rollout, _plan(requests, replay, limits))
        except DiffersError as error:
            if not rollback_on_fail:
                raise
            rolling_back.rollback(rollout)
            raise FailedError(f"{error} It was rolled back.") from error

    return _run(options, "compare", body)


def promote(options: RolloutOptions, version: int | None = None) -> int:
    """Make the canary the stable version; refuse if it is not `version`."""
    return _run(options, "promote", lambda rollout: steps.promote(rollout, version))


def rollback(options: RolloutOptions, version: int | None = None, *, only_unfinished: bool = False) -> int:
    """Repair a killed step, or end the trial, or undo the last promotion.

    Args:
        options: of every command.
        version: end the trial of this version only; None: any.
        only_unfinished: repair a killed step only.

    Returns:
        The exit status: 0 done, 1 failed, 2 refused.
    """

    def body(rollout: Rollout) -> None:
        if only_unfinished:
            rolling_back.repair(rollout)
        elif version is not None:
            rolling_back.end_trial(rollout, version)
        else:
            rolling_back.rollback(rollout)

    return _run(options, "rollback", body)


def reload(options: RolloutOptions) -> int:
    """Make the servers follow models.config."""
    return _run(options, "reload", steps.reload)


def _run(options: RolloutOptions, locked_for: str | None, body: Callable[[Rollout], int | None]) -> int:
    """Run one command, under the lock if it changes something.

    Returns:
        The exit status: 0 done, 1 failed or different, 2 refused.
    """
    interrupts.raise_on_signals()
    try:
        config = ModelsConfig.read(options.model_config_file)
        model = config.model_name(options.model)
        with contextlib.ExitStack() as stack:
            servers = [
                stack.enter_context(
                    AdminClient(
                        host=host,
                        grpc_port=port,
                        rest_port=rest,
                        model=model,
                        timeout=options.timeout,
                        tls=options.tls_files,
                    )
                )
                for host, port, rest in map(address, options.server)
            ]
            rollout = Rollout(
                config_path=options.model_config_file,
                model=model,
                servers=servers,
                versions_folder=options.versions_folder or Path(config.base_path(model)),
                verify_keys=options.verify_keys,
                signature=options.signature,
                drain_seconds=options.drain,
                say=lambda line: print(line, flush=True),
            )
            if locked_for:
                stack.enter_context(rollout.locked(locked_for))
            return body(rollout) or _DONE
    except (PreconditionError, TlsError) as error:
        return _end("refused", error, _REFUSED)
    except DiffersError:
        return _FAILED  # the verdict is printed already
    except (RolloutError, OSError) as error:
        return _end("failed", error, _FAILED)
    except KeyboardInterrupt as error:
        return _end("ended", error, _FAILED)


def _plan(path: Path, replay: ReplayOptions, limits: VerdictLimits) -> ReplayPlan:
    return ReplayPlan(path=path, limit=replay.limit, threshold=replay.threshold, limits=limits)


def _end(word: str, error: BaseException, code: int) -> int:
    print(f"{word}: {error}", file=sys.stderr)
    return code
