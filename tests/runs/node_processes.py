"""Runs `python -m pipelines node …` again and again, each in a process of its own, some of which die as by `kill -9`.

    python -m tests.runs.node_processes FOLDER < steps

Reads a JSON list of steps, each the arguments of the command line and the moment at which the process dies (see
tests.runs.killed), null for none. TFX is loaded once, and each step is a fork of this process: loading takes longer
than most nodes. Leaves what each step wrote to its terminal, and its exit status, in FOLDER, as `<number>.json`.
"""

import json
import os
import sys
from pathlib import Path

from pipelines.cli.app import execute
from pipelines.orchestration import finish, single_node
from pipelines.runner import final_report
from tests.runs import killed

LOADED = (final_report, finish, single_node)  # what the command line only imports when it runs


def run_steps(steps: list[tuple[list[str], str | None]], folder: Path) -> None:
    """Takes one step after the other."""
    for number, (arguments, moment) in enumerate(steps):
        terminal = folder / f"{number}.txt"
        if (process := os.fork()) == 0:
            _run(arguments, moment, terminal)
        _, status = os.waitpid(process, 0)
        ended = {"status": os.waitstatus_to_exitcode(status), "terminal": terminal.read_text()}
        (folder / f"{number}.json").write_text(json.dumps(ended))


def _run(arguments: list[str], moment: str | None, terminal: Path) -> None:
    """In the fork: runs the command line, and never returns."""
    with terminal.open("w") as file:
        for standard in (1, 2):
            os.dup2(file.fileno(), standard)
    status = killed.SURVIVED
    try:
        if moment is not None:
            killed.arm(moment)
        status = execute(arguments)
        sys.stdout.flush()
    finally:
        os._exit(status)


if __name__ == "__main__":
    run_steps(json.load(sys.stdin), Path(sys.argv[1]))
