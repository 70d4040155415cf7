"""Every command that a page shows exists, with the options and variables that it is shown with."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_docs import PAGES, name
from website import commands

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
# A variable of make -> the command whose options it takes.
PASSES_ON = {
    "GATEWAY": "python -m serving gateway",
    "GC": "python -m pipelines gc",
    "KUBEFLOW": "python -m pipelines compile kubeflow",
    "NODE": "python -m pipelines node",
    "ROLLOUT": "python -m serving rollout",
    "SERVE": "python -m serving server",
}
_FENCE = re.compile(r"^( *)```(?:sh|bash|console|)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_CALL = re.compile(r"(?:[A-Z_]+=\S+ )*(make|(?:\.venv/bin/)?(?:python -m (?:pipelines|serving)|tfx-pipeline))(?= |$)")
_NEXT = re.compile(r"&&|; | \| | +# ")


def shown(page: Path) -> Iterator[str]:
    """Yields the calls of make and of this project's commands that a page shows, each on one line."""
    text = page.read_text()
    for _, block in _FENCE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            yield from _calls(line.strip().removeprefix("$ "))
    for span in _INLINE.findall(_FENCE.sub("", text)):
        yield from _calls(span)


def _calls(line: str) -> Iterator[str]:
    for part in _NEXT.split(line):
        if found := _CALL.match(part.strip()):
            yield part.strip()[found.start(1) :].removeprefix(".venv/bin/")


@pytest.fixture(scope="module")
def sections() -> dict[str, str]:
    """Command -> its section in the reference."""
    text = commands.write_page(ROOT)
    return dict(re.findall(r"^###? (python -m .*?)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_have_the_options_that_are_shown(page: Path, sections: dict[str, str]) -> None:
    assert [fault for call in shown(page) for fault in faults(call, sections)] == []


def faults(call: str, sections: dict[str, str]) -> Iterator[str]:
    """Yields what is wrong with a call."""
    words = shlex.split(call.replace("tfx-pipeline", "python -m pipelines", 1))
    if words[0] == "make":
        given = [word.split("=", 1) for word in words[2:] if re.match(r"[A-Z_]+=", word)]
        yield from (f"{call}: no variable {key} of {words[1]}" for key, _ in given if key not in variables(words[1]))
        for key, value in given:
            if key in PASSES_ON:
                command = PASSES_ON[key]
                own = f"{command} {words[1].removeprefix('rollout-')}"  # make compare: rollout compare
                yield from faults(f"{own if own in sections else command} {value}", sections)
        return
    command = next(known for end in range(len(words), 0, -1) if (known := " ".join(words[:end])) in sections)
    following = words[command.count(" ") + 1 :]
    if any(each.startswith(f"{command} ") for each in sections) and following and re.match(r"[a-z]", following[0]):
        yield f"{call}: no such command"
        return
    texts = [section for known, section in sections.items() if f"{command} ".startswith(f"{known} ")]  # parents, too
    for option in (word.split("=")[0] for word in words if word.startswith("--")):
        if option != "--help" and not any(re.search(rf"(?<![\w-]){option}(?![\w-])", text) for text in texts):
            yield f"{call}: no option {option}"


def variables(target: str) -> set[str]:
    """The variables that a target's recipe reads, those of variables among them; a notebook reads two by itself."""
    read = {"TASK", "RUN_ID"} if target == "notebooks" else set()
    left = re.findall(rf"^{target}:.*\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE)
    while left:
        for key in set(re.findall(r"(?:\(|value |call quoted,)(\w+)(?=\))", left.pop())) - read:
            read.add(key)
            left += re.findall(rf"^{key} :?=((?:.*\\\n)*.*)", MAKEFILE, re.MULTILINE)
    return read


def test_a_fault_is_found(sections: dict[str, str]) -> None:
    calls = (
        "make run-local SPAN=all",
        "make gc GC='--keep-week 3'",
        "python -m pipelines runs lst",
        "python -m pipelines rum",
        "python -m serving rollout canary 1 --percentage 3",
        "python -m pipelines gc --apply --var=x",
        "make compare ROLLOUT='--mean-difference 1 --timeout 3'",
        "make promote ROLLOUT='--mean-difference 1'",
    )
    assert [fault.rpartition(": ")[2] for call in calls for fault in faults(call, sections)] == [
        "no variable SPAN of run-local",
        "no option --keep-week",
        "no such command",
        "no such command",
        "no option --percentage",
        "no option --mean-difference",
    ]
