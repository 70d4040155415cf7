"""`python -m serving.rollout status | pin | canary VERSION --percent P | compare | promote | rollback | reload`."""

import argparse
import contextlib
import functools
import sys
from collections.abc import Sequence
from pathlib import Path

from serving.rollout import interrupts, options, replay, rollback, status, steps
from serving.rollout.admin_client import AdminClient
from serving.rollout.errors import FailedError, PreconditionError, RolloutError, WorseError
from serving.rollout.models_config import ModelsConfig
from serving.rollout.rollout import Rollout

_DONE, _FAILED, _REFUSED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        The exit status: 0 done, 1 failed or worse, 2 refused.
    """
    parsed = options.parser().parse_args(arguments)
    interrupts.raise_on_signals()
    try:
        config = ModelsConfig.read(parsed.model_config_file)
        model = config.model_name(parsed.model)
        with contextlib.ExitStack() as stack:
            rollout = Rollout(
                config_path=parsed.model_config_file,
                model=model,
                servers=[
                    stack.enter_context(
                        AdminClient(host=host, grpc_port=port, rest_port=rest, model=model, timeout=parsed.timeout)
                    )
                    for host, port, rest in parsed.server or [options.default_server()]
                ],
                versions_folder=parsed.versions_folder or Path(config.base_path(model)),
                signature=parsed.signature,
                drain_seconds=parsed.drain,
                say=lambda line: print(line, flush=True),
            )
            if parsed.command == "status":
                return _DONE if status.show(rollout) else _FAILED
            stack.enter_context(rollout.locked(parsed.command))
            _run(rollout, parsed)
    except PreconditionError as error:
        return _end("refused", error, _REFUSED)
    except (RolloutError, OSError) as error:
        return _end("failed", error, _FAILED)
    except KeyboardInterrupt as error:
        return _end("ended", error, _FAILED)
    return _DONE


def _run(rollout: Rollout, parsed: argparse.Namespace) -> None:
    match parsed.command:
        case "canary":
            trial = None
            if parsed.compare:
                plan = _plan(parsed, parsed.compare)
                replay.check_plan(rollout, plan, parsed.version)
                trial = functools.partial(replay.compare, rollout, plan)
            steps.canary(rollout, parsed.version, parsed.percent, trial)
        case "compare":
            try:
                replay.compare_trial(rollout, _plan(parsed, parsed.requests))
            except WorseError as error:
                if not parsed.rollback_on_fail:
                    raise
                rollback.rollback(rollout)
                raise FailedError(f"{error} It is rolled back.") from error
        case "pin":
            steps.pin(rollout)
        case "promote":
            steps.promote(rollout)
        case "rollback":
            rollback.rollback(rollout)
        case "reload":
            steps.reload(rollout)


def _plan(parsed: argparse.Namespace, path: Path) -> replay.ReplayPlan:
    return replay.ReplayPlan(path=path, limit=parsed.limit, threshold=parsed.threshold, limits=options.limits(parsed))


def _end(word: str, error: BaseException, code: int) -> int:
    print(f"{word}: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
