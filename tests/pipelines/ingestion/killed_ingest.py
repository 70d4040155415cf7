"""Ingests the same folder again and again, each time dying in the middle, as by `kill -9`.

    python -m tests.pipelines.ingestion.killed_ingest FOLDER MOMENT… -- [options of `ingest`]

TFX is loaded once, and each ingestion is a fork of this process. Leaves what each wrote to its terminal, and its exit
status, in FOLDER, as `<moment>.json`. A MOMENT is the name of a node, as in tests.runs.killed; QUARANTINE: when the
text of a refusal is written, and its record is not; RECORD: when all spans are done, before the ingestion's own record.
"""

import json
import os
import sys
from pathlib import Path

from pipelines.cli.app import execute
from pipelines.ingestion import all_spans, command, quarantine
from serving.durable_file import write_whole
from tests.runs import killed

LOADED = (all_spans,)  # what the command line only imports when it runs
QUARANTINE, RECORD = "quarantine", "record"


def _die_instead_of(name: str) -> None:
    def write(path: Path, content: str) -> None:
        if path.name == name:
            killed.die()
        write_whole(path, content)

    quarantine.write_whole = command.write_whole = write


def _ingest(moment: str, terminal: Path, options: list[str]) -> None:
    """In the fork: runs the command line, and never returns."""
    with terminal.open("w") as file:
        for standard in (1, 2):
            os.dup2(file.fileno(), standard)
    try:
        if moment in (QUARANTINE, RECORD):
            killed._run_process = os.getpid()
            _die_instead_of({QUARANTINE: "reasons.json", RECORD: "summary.json"}[moment])
        else:
            killed.arm(moment)
        execute(["ingest", "--at-once", "1", *options])
    finally:
        os._exit(killed.SURVIVED)


def main(folder: Path, moments: list[str], options: list[str]) -> None:
    """Ingests once for each moment, one after the other."""
    for moment in moments:
        terminal = folder / f"{moment}.txt"
        if (process := os.fork()) == 0:
            _ingest(moment, terminal, options)
        _, status = os.waitpid(process, 0)
        ended = {"status": os.waitstatus_to_exitcode(status), "terminal": terminal.read_text()}
        (folder / f"{moment}.json").write_text(json.dumps(ended))


if __name__ == "__main__":
    place, *rest = sys.argv[1:]
    end = rest.index("--")
    main(Path(place), rest[:end], rest[end + 1 :])
