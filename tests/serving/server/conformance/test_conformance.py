"""Every case is asked of one running server, and answered as the case says: no better, and no worse."""

import ast
import collections
import dataclasses
from pathlib import Path

import pytest

from serving.server import rest
from tests.serving.running_server import ROOT, RunningServer
from tests.serving.server.conformance import cases, table
from tests.serving.server.conformance.asking import check
from tests.serving.server.conformance.cases import Case

CASES = cases.read()
ASKED = [case for case in CASES if case.steps]
SPOKEN = [case for case in ASKED if case.steps[0].rest.startswith("POST /v1/models/")]


@pytest.fixture(scope="module")
def base(rest_server: RunningServer) -> Path:
    """The folder of the server's models."""
    config = (rest_server.log.parent / "models.config").read_text()
    return Path(config.partition('base_path: "')[2].partition('"')[0]).parent


@pytest.mark.pipeline
@pytest.mark.parametrize("case", ASKED, ids=[case.id for case in ASKED])
def test_the_answer_is_tensorflow_servings_or_argued(rest_server: RunningServer, base: Path, case: Case) -> None:
    *before, last = case.steps
    for step in before:
        check(rest_server, base, step)
    if case.ours is None:
        check(rest_server, base, last)
        return
    check(rest_server, base, case.ours)
    with pytest.raises(AssertionError):  # what is argued must be so: an answer that conforms leaves the table
        check(rest_server, base, last)


@pytest.mark.pipeline
@pytest.mark.parametrize("case", SPOKEN, ids=[case.id for case in SPOKEN])
def test_a_large_body_is_answered_alike(rest_server: RunningServer, base: Path, case: Case) -> None:
    """It is read in a process of its own: see serving.server.large_json."""
    *before, last = case.steps
    for step in (*before, case.ours or last):
        check(rest_server, base, dataclasses.replace(step, body=step.body + " " * rest._LARGE))


def test_what_no_request_can_show_is_held_by_tests() -> None:
    for case in CASES:
        for test in case.held_by:
            path, _, name = test.partition("::")
            tree = ast.parse((ROOT / path).read_text())
            functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            assert name in functions, f"case {case.id}: {path} has no {name}"


def test_no_case_is_there_twice() -> None:
    assert [name for name, count in collections.Counter(case.id for case in CASES).items() if count > 1] == []


def test_the_page_shows_what_is_argued() -> None:
    assert table.shown() == table.made(CASES), f"run `{table.COMMAND}`"
