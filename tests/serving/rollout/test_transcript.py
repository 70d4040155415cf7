"""The transcript in docs/how-to/rollout.md is what one gets."""

import itertools
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.cli.app import app
from serving.cli.usage import execute
from tests.serving.rollout.conftest import MODEL, Site
from tests.serving.rollout.requests_log import write_log
from tests.serving.rollout.server import ROOT, ServerProcess, running

PAGE = ROOT / "docs" / "how-to" / "rollout.md"
PROMPT = "$ python -m serving rollout "
FIRST = 1795253025
KINDS = {1795339425: "similar", 1795425825: "broken"}  # the versions that the transcript tries
MASKS = {
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC": "TIME",
    r"[^\s@]+@[^\s:;,]+": "WHO",
    r"\b\d+\.\d m?s\b": "SECONDS",
    r"p95 latency in ms [\d.]+, at most [\d.]+": "LATENCY",
    r"127\.0\.0\.1:\d+": "SERVER",
    r"(?<=does not load on SERVER: ).*": "REASON",
}


def transcript() -> list[tuple[str, list[str]]]:
    """Each command and what it says."""
    lines = itertools.chain(
        *(block.splitlines() for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(), re.S))
    )
    steps: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith("$ "):
            assert line.startswith(PROMPT), line
            steps.append((line.removeprefix(PROMPT), []))
        elif line:
            steps[-1][1].append(line)
    return steps


def masked(line: str) -> str:
    for pattern, word in MASKS.items():
        line = re.sub(pattern, word, line)
    return line


def test_there_is_a_transcript_of_every_command() -> None:
    assert {step.split()[0] for step, _ in transcript()} == {
        "status",
        "pin",
        "canary",
        "compare",
        "promote",
        "rollback",
    }


@pytest.mark.pipeline
def test_the_transcript_is_what_one_gets(
    new_site: Callable[[ServerProcess | None], Site],
    saved: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = new_site(None)
    (tmp_path / "var").mkdir()
    site.folder = tmp_path / "var" / "serving"
    (site.folder / MODEL).mkdir(parents=True)
    site.push(FIRST, "good")
    model = f'name: "{MODEL}" base_path: "{site.folder}/{MODEL}" model_platform: "tensorflow"'
    site.config.write_text(f"model_config_list {{ config {{ {model} }} }}\n")
    write_log(
        tmp_path / "var" / "requests" / MODEL / "log.parquet",
        [{"fare": 2.5 * number, "company": "a1b2", "request_id": str(number)} for number in range(120)],
        hashed=("company",),
    )
    monkeypatch.chdir(tmp_path)
    with running(site.config, tmp_path / "server.log") as server:
        for command, expected in transcript():
            words = shlex.split(command)
            if words[0] == "canary" and not (site.folder / MODEL / words[1]).exists():
                site.push(int(words[1]), KINDS[int(words[1])])
            site.capture.readouterr()
            execute(app, ["rollout", "--server", server.option, "--drain", "0", *words])
            said = "".join(site.capture.readouterr()).splitlines()
            print("\n".join([PROMPT + command, *said, ""]))
            assert [masked(line) for line in said] == [masked(line) for line in expected], command
