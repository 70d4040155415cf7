"""What a person sees: the live table while the run goes on, and what remains on the screen."""

import re
import time
from pathlib import Path

import pytest
from tfx.components.schema_gen.import_schema_gen.executor import Executor as ImportSchemaGen

from tests.runs.in_process import run_here
from tests.runs.project import COMMAND, DIABETES, NODES, Project, environment
from tests.runs.screen import COLOUR, Terminal, drawn, on_terminal

pytestmark = [pytest.mark.pipeline, pytest.mark.one_stack]


def test_the_screen_at_the_end_of_a_process_without_colours(project: Project) -> None:
    status, sent = on_terminal(
        [*COMMAND, "--task", DIABETES], cwd=project.root, environment=environment(NO_COLOR="1"), width=80
    )
    assert status == 0, sent
    _is_whole(drawn(sent, 80), 80)
    assert COLOUR.search(sent) is None


def test_the_screen_at_the_end_with_colours(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.root)  # paths are shown from where one stands
    sent = _on_terminal_here(project.var, monkeypatch, width=120)
    _is_whole(drawn(sent, 120), 120)
    assert COLOUR.search(sent)


def test_the_table_moves_while_nodes_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    do = ImportSchemaGen.Do

    def linger(*arguments: object) -> None:
        time.sleep(3)  # the table is drawn eight times a second, by a thread that may have to wait for its turn
        do(*arguments)

    monkeypatch.setattr(ImportSchemaGen, "Do", linger)
    sent = _on_terminal_here(tmp_path, monkeypatch, width=100, upto="ImportSchemaGen")
    assert "loading TFX" in sent
    frames = re.findall(r"ImportSchemaGen +([\u2800-\u28ff]) +(\d+\.\d)", re.sub(r"\x1b\[[0-9;]*m", "", sent))
    assert len(set(frames)) > 3


def _on_terminal_here(var: Path, monkeypatch: pytest.MonkeyPatch, *, width: int, upto: str | None = None) -> str:
    """Runs in this process, with a terminal of its own; returns all that was sent there."""
    for name, value in {"TERM": "xterm-256color", "COLUMNS": str(width), "LINES": "50"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    with Terminal(width) as terminal, terminal.file() as file:
        run_here(var, upto=upto, terminal=file)
    return terminal.sent()


def _is_whole(screen: list[str], width: int) -> None:
    """Every node's line, then the verdicts, then what to do next; and nothing else."""
    table = screen[screen.index("node                        state   seconds  wrote") + 1 :]
    for node, line in zip(NODES, [line for line in table if not line.startswith(" ")], strict=False):
        assert re.match(rf"{node} +(ran|cached) +\d+\.\d  \S", line)
    begun = [line.split("  ")[0] for line in screen if line and not line.startswith(" ")]
    verdicts = ["AnomalyGate", "Evaluator", "SkewGate", "review", "metrics", "one row"]
    assert begun[2:] == [*NODES, *verdicts, "in place", "record", "report", "log", "next"]
    assert max(len(line) for line in screen) <= width
    assert not [line for line in screen if "INFO" in line or "Warning" in line]
