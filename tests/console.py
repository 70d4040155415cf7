"""Transcripts in the docs: ```console blocks of commands and what they say, replayed in a copy of the project."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.fork_server import ForkServer

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = "…"  # a line that stands for any lines
_PYTHON = ".venv/bin/python"


def steps(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Each command of a page, without its prompt, with the lines that are shown of what it says."""
    for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *said = step.rstrip().splitlines()
            yield command, said


def replay(command: str, root: Path, environment: dict[str, str], server: ForkServer | None = None) -> list[str]:
    """What a command says in a copy of the project, with this Python; `make` without its set-up.

    Args:
        command: the command, as the page shows it.
        root: the copy.
        environment: of the command.
        server: runs `python -m pipelines`, where that is the whole command; None: a process of its own does.
    """
    words = shlex.split(command)
    script = recipe(words[1:]) if words[0] == "make" else command.replace(_PYTHON, shlex.quote(sys.executable))
    given = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
    calls = shlex.split(script.replace("\\\n", " "))
    if server and calls[:3] == [sys.executable, "-m", "pipelines"] and "-m" not in calls[3:]:
        ended = server.run(calls[3:], environment | given)
    else:
        ended = subprocess.run(
            ["bash", "-c", script], cwd=root, env=environment | given, capture_output=True, text=True, check=False
        )
    said = (ended.stdout + ended.stderr).splitlines()
    if words[0] == "make" and ended.returncode:
        said.append(f"make: *** [Makefile:0: {words[1]}] Error {ended.returncode}")
    return said


def difference(said: Sequence[str], shown: Sequence[str]) -> str | None:
    """The first shown line that was not said where it stands; None if all were. Figures and spaces do not count."""
    rest = [_masked(line) for line in said]
    anywhere = False
    for line in shown:
        if line == LEFT_OUT:
            anywhere = True
            continue
        if _masked(line) not in (rest if anywhere else rest[:1]):
            return line
        rest = rest[rest.index(_masked(line)) + 1 :]
        anywhere = False
    return f"nothing more, where there is: {rest[0]}" if rest and not anywhere else None


def recipe(words: Sequence[str]) -> str:
    """What `make` with these words would run, from the first start of Python on: without set-up, with this Python."""
    planned = subprocess.run(
        ["make", "--dry-run", *words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return planned[planned.index(f"{_PYTHON} -m ") :].replace(_PYTHON, shlex.quote(sys.executable))


def _masked(line: str) -> str:
    return re.sub(r" +", " ", re.sub(r"\d[\d.,:-]*", "#", line)).strip()
