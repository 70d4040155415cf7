"""Runs the pipeline again and again, each time dying in the middle, as by `kill -9`.

    python -m tests.runs.killed FOLDER MOMENT… -- [options of `run`]

TFX is loaded once, and each run is a fork of this process: loading takes longer than most of what is killed. Leaves
what each run wrote to its terminal and its exit status in FOLDER, as `<moment>.json`.

A MOMENT is the name of a node: dies as soon as the node's executor has written a file of its output or, should it be
too quick for that, when it is done and before the result is published. Pusher dies when its output is written and
nothing is pushed yet. Or a later moment of Pusher: `copying`, when the first file of the new version is copied;
`renamed`, when the version has its name and the node is not done. Or `beside`, when SkewGate has begun to write and the
Evaluator runs at the same time, each in a fork; elsewhere nodes run one after the other, in the process that dies.
"""

import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tfx.orchestration.portable import execution_publish_utils, launcher

from components.pusher import executor as atomic_pusher
from pipelines.cli.app import execute
from pipelines.runner import final_report, local_run

LOADED = (final_report, local_run)  # what the command line only imports when it runs
COPYING, RENAMED, BESIDE = "copying", "renamed", "beside"
SURVIVED = 99  # exit status of a run that should have died
_run_process = 0  # the process that dies


def die_in_each(moments: list[str], folder: Path, options: list[str]) -> None:
    """Runs once for each moment, one after the other."""
    for moment in moments:
        terminal = folder / f"{moment}.txt"
        if (process := os.fork()) == 0:
            _run(moment, terminal, options)
        _, status = os.waitpid(process, 0)
        ended = {"status": os.waitstatus_to_exitcode(status), "terminal": terminal.read_text()}
        (folder / f"{moment}.json").write_text(json.dumps(ended))


def _run(moment: str, terminal: Path, options: list[str]) -> None:
    """In the fork: runs the command line, and never returns."""
    with terminal.open("w") as file:
        for standard in (1, 2):
            os.dup2(file.fileno(), standard)
    try:
        arm(moment)
        execute(["run", "--at-once", "2" if moment == BESIDE else "1", *options])
    finally:
        os._exit(SURVIVED)  # the parent's part of this program must not go on here


def die(*_: object) -> None:
    """Ends the run's process at once, with nothing cleaned up; a fork of it that calls this is left to itself."""
    os.kill(_run_process, signal.SIGKILL)
    signal.pause()


def arm(moment: str) -> None:
    """Plants the death."""
    global _run_process
    _run_process = os.getpid()
    if moment == BESIDE:
        _arm_node("SkewGate", beside="Evaluator")
    elif moment == COPYING:
        _after(shutil, "copyfile", lambda source, target: _is_half_copy(Path(target).parent))
    elif moment == RENAMED:
        _after(Path, "rename", lambda half, version: _is_half_copy(half))
    elif moment == "Pusher":
        atomic_pusher.push = die
    else:
        _arm_node(moment)


def _arm_node(node: str, beside: str | None = None) -> None:
    """Plants the death in a node; where it has to run `beside` another one, waits for that."""
    run_executor = launcher.Launcher._run_executor
    publish_internal = execution_publish_utils.publish_internal_execution

    def run(self: Any, execution_info: Any) -> Any:
        if execution_info.pipeline_node.node_info.id != node:
            return run_executor(self, execution_info)
        uris = [artifact.uri for artifacts in execution_info.output_dict.values() for artifact in artifacts]
        others = [Path(uri).parents[2] / beside for uri in uris if beside]
        threading.Thread(target=_die_when_written, args=(uris, others), daemon=True).start()
        run_executor(self, execution_info)
        return die()

    def publish(*, contexts: Any, **arguments: Any) -> Any:
        """What resolvers do, which have no executor."""
        if any(context.name.endswith(f".{node}") for context in contexts):
            die()
        return publish_internal(contexts=contexts, **arguments)

    launcher.Launcher._run_executor = run
    execution_publish_utils.publish_internal_execution = publish


def _die_when_written(uris: list[str], others: list[Path]) -> None:
    """Dies when there is a file below one of the URIs, and the folder of an output in each of the other nodes' ones."""
    while True:
        if all(any(other.glob("[!.]*/*")) for other in others) and any(
            path.is_file() for uri in uris for path in Path(uri).rglob("*")
        ):
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
    end = sys.argv.index("--")
    die_in_each(sys.argv[2:end], Path(sys.argv[1]), sys.argv[end + 1 :])
