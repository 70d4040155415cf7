"""What a person sees: the live table while the run goes on, and what remains on the screen."""

import re

import pytest

from tests.runs.project import DIABETES, NODES, Project, environment
from tests.runs.screen import COLOUR, drawn, on_terminal

pytestmark = [pytest.mark.pipeline, pytest.mark.one_stack]

RUN = ["-m", "pipelines.runner", "--task", DIABETES]


@pytest.mark.parametrize("width", [80, 120])
def test_the_screen_at_the_end(project: Project, width: int) -> None:
    project.edit("components/skew_gate/component.py")
    status, sent = on_terminal(RUN, cwd=project.root, environment=environment(), width=width)
    screen = drawn(sent, width)
    assert status == 0, "\n".join(screen)
    table = screen[screen.index("node                        state   seconds  wrote") + 1 :]
    for node, line in zip(NODES, [line for line in table if not line.startswith(" ")], strict=False):
        assert re.match(rf"{node} +(ran|cached) +\d+\.\d  \S", line)
    begun = [line.split("  ")[0] for line in screen if line and not line.startswith(" ")]
    verdicts = ["AnomalyGate", "Evaluator", "SkewGate", "review", "metrics", "one row"]
    assert begun[2:] == [*NODES, *verdicts, "in place", "record", "report", "log", "next"]
    assert max(len(line) for line in screen) <= width
    assert not [line for line in screen if "INFO" in line or "Warning" in line]


def test_the_table_moves_while_nodes_run(project: Project) -> None:
    project.edit("components/skew_gate/component.py")
    status, sent = on_terminal(RUN, cwd=project.root, environment=environment(), width=100)
    assert status == 0
    assert "loading TFX" in sent
    frames = re.findall(r"SkewGate +([\u2800-\u28ff]) +(\d+\.\d)", re.sub(r"\x1b\[[0-9;]*m", "", sent))
    assert len(set(frames)) > 3
    assert COLOUR.search(sent)


def test_no_color_is_respected(project: Project) -> None:
    status, sent = on_terminal(RUN, cwd=project.root, environment=environment(NO_COLOR="1"), width=100)
    assert status == 0
    assert COLOUR.search(sent) is None
