"""Runs the pipeline and dies in the middle, as by `kill -9`. Test-only: nothing in the product knows of it.

    python -m tests.runs.killed MOMENT [options of pipelines.runner]

MOMENT is the name of a node: dies as soon as the node's executor has written a file of its output or, should it be
too quick for that, when it is done and before the result is published. Pusher dies when its output is written and
nothing is pushed yet. Or a later moment of Pusher: `copying`, when the first file of the new version is copied;
`renamed`, when the version has its name and the node is not done.
"""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.runner import __main__ as local_runner

COPYING, RENAMED = "copying", "renamed"


def die(*_: object) -> None:
    """Ends this process at once, with nothing cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(moment: str) -> None:
    """Plants the death."""
    if moment == COPYING:
        _after(shutil, "copyfile", lambda source, target: _is_half_copy(Path(target).parent))
    elif moment == RENAMED:
        _after(Path, "rename", lambda half, version: _is_half_copy(half))
    elif moment == "Pusher":
        _arm_pusher()
    else:
        _arm_node(moment)


def _arm_pusher() -> None:
    from components.pusher import executor as atomic_pusher

    atomic_pusher.push = die


def _arm_node(node: str) -> None:
    # Imported here: pipelines.runner diverts the output before it loads TFX.
    from tfx.orchestration.portable import execution_publish_utils, launcher

    run_executor = launcher.Launcher._run_executor
    publish_internal = execution_publish_utils.publish_internal_execution

    def run(self: Any, execution_info: Any) -> Any:
        if execution_info.pipeline_node.node_info.id != node:
            return run_executor(self, execution_info)
        uris = [artifact.uri for artifacts in execution_info.output_dict.values() for artifact in artifacts]
        threading.Thread(target=_die_when_written, args=(uris,), daemon=True).start()
        run_executor(self, execution_info)
        return die()

    def publish(*, contexts: Any, **arguments: Any) -> Any:
        """What resolvers do, which have no executor."""
        if any(context.name.endswith(f".{node}") for context in contexts):
            die()
        return publish_internal(contexts=contexts, **arguments)

    launcher.Launcher._run_executor = run
    execution_publish_utils.publish_internal_execution = publish


def _die_when_written(uris: list[str]) -> None:
    while True:
        if any(path.is_file() for uri in uris for path in Path(uri).rglob("*")):
            die()


def _is_half_copy(path: Path) -> bool:
    return path.suffix == ".tmp" and path.stem.isdecimal()


def _after(owner: Any, name: str, is_the_moment: Callable[..., bool]) -> None:
    """Dies after a call of `owner.name` whose arguments are those of the moment."""
    function = getattr(owner, name)

    def patched(*arguments: Any) -> Any:
        result = function(*arguments)
        return die() if is_the_moment(*arguments) else result

    setattr(owner, name, patched)


if __name__ == "__main__":
    moment = sys.argv.pop(1)
    divert = local_runner.divert_output

    def divert_then_arm(log: Path) -> Any:
        terminal = divert(log)
        arm(moment)
        return terminal

    local_runner.divert_output = divert_then_arm
    sys.exit(local_runner.main(sys.argv[1:]))
