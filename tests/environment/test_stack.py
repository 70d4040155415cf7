import tomllib
from pathlib import Path

import pytest

from environment.pythons import Python, find, probe
from environment.stack import STACKS, NoStackError, choose, insist, other
from tests.environment.machines import mac, python

CURRENT, PORTABLE = STACKS


@pytest.mark.parametrize(
    ("pythons", "stack", "version"),
    [
        ([python("3.11.2"), python("3.12.3"), python("3.13.5")], CURRENT, (3, 13, 5)),
        ([python("3.11.2", "2.39"), python("3.12.3", "2.39")], CURRENT, (3, 12, 3)),
        ([python("3.11.2", "2.38"), python("3.13.5", "2.38")], PORTABLE, (3, 11, 2)),
        ([python("3.11.2"), python("3.14.0")], PORTABLE, (3, 11, 2)),
        ([python("3.13.5", free_threaded=True), python("3.11.2")], PORTABLE, (3, 11, 2)),
        ([python("3.13.5", implementation="pypy"), python("3.12.3")], CURRENT, (3, 12, 3)),
        ([mac("3.11.9"), mac("3.12.7")], CURRENT, (3, 12, 7)),
    ],
)
def test_the_current_stack_where_it_can_be_had_else_the_portable_one(pythons, stack, version):
    choice = choose(pythons)
    assert (choice.stack, choice.python.version) == (stack, version)


def test_the_reason_names_what_decided():
    assert choose([python("3.13.5")]).why == "glibc 2.41 is 2.39 or newer, and Python is 3.13.5"
    assert choose([mac("3.13.5")]).why == "Python 3.13.5 on macOS arm64 can have it"
    assert choose([python("3.11.2", "2.36"), python("3.13.0", "2.36")]).why == (
        "the current stack is out: it needs glibc 2.39 or newer, and this machine has 2.36"
    )
    assert choose([python("3.11.2")]).why == "the current stack is out: no Python 3.13 or 3.12 on PATH that runs"


def test_path_decides_among_equals_but_one_without_headers_comes_last():
    first, second = python("3.13.1", executable="/a"), python("3.13.2", executable="/b")
    assert choose([first, second]).python == first
    assert choose([first._replace(headers=False), second]).python == second


@pytest.mark.parametrize(
    ("pythons", "message"),
    [
        ([], "Received: no Python that runs; "),
        (
            [python("3.9.2", "2.36")],
            r"Received: /usr/bin/python3.9 \(3.9.2\); the current stack is out: it needs glibc",
        ),
        ([mac("3.11.9")], "the portable stack is out: it has no packages for macOS"),
        ([python("3.13.5", machine="aarch64")], "it needs Linux x86_64 or macOS arm64, and this is linux aarch64"),
        ([python("3.13.5")._replace(glibc=())], "it needs glibc 2.39 or newer, and this machine has none"),
    ],
)
def test_a_machine_without_a_stack_is_told_what_it_would_take(pythons, message):
    with pytest.raises(NoStackError, match=message) as refusal:
        choose(pythons)
    assert (
        "Expected: Python 3.11 on Linux x86_64 with glibc 2.17 or newer; or Python 3.13 or 3.12 on Linux x86_64 with "
        "glibc 2.39 or newer or on macOS arm64."
    ) in str(refusal.value)


def test_python_given_by_name_goes_before_the_better_stack():
    choice = insist("python3.11", python("3.11.2"))
    assert (choice.stack, choice.why) == (PORTABLE, "PYTHON=python3.11 asks for Python 3.11.2")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (python("3.13.0", "2.36"), "is Python 3.13.0, which gets the current stack .* needs glibc 2.39 .* has 2.36"),
        (mac("3.11.9"), "is Python 3.11.9, which gets the portable stack .* no packages for macOS"),
        (python("3.14.0"), "has no stack. Expected: a Python 3.11, 3.12 or 3.13. Received: current: .* this is 3.14.0"),
        (python("3.13.5", free_threaded=True), "needs plain CPython, and this is free-threaded cpython"),
        ("no such command", "does not run. Expected: .* 3.11, 3.12 or 3.13. Received: no such command. Correct PYTHON"),
    ],
)
def test_python_that_this_machine_cannot_have_is_an_error(answer, message):
    with pytest.raises(NoStackError, match="^PYTHON=p .*" + message):
        insist("p", answer)


def test_the_other_stack_comes_with_a_python_where_there_is_one():
    assert other(PORTABLE, [python("3.11.2", "2.36"), python("3.13.0", "2.36")]) == (CURRENT, None)
    assert other(CURRENT, [python("3.11.2"), python("3.13.5")]) == (PORTABLE, python("3.11.2"))


def script(folder: Path, name: str, body: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_a_shim_that_does_not_start_python_answers_with_its_own_words(tmp_path):
    shim = script(tmp_path, "python3.13", "echo; echo 'pyenv: python3.13: command not found' >&2; exit 127")
    assert probe(shim) == f"{shim}: pyenv: python3.13: command not found"
    assert "Expecting value" in str(probe(script(tmp_path, "chatty", "echo hello")))
    assert "No such file" in str(probe(str(tmp_path / "missing")))


def test_interpreters_are_found_behind_shims_and_counted_once(tmp_path, monkeypatch, request):
    real = probe(__import__("sys").executable)
    assert isinstance(real, Python)
    shims, folder = tmp_path / "shims", tmp_path / "bin"
    for path in (shims, folder):
        path.mkdir()
    script(shims, "python3.11", "exit 127")
    script(folder, "python3.11", f'exec "{real.executable}" "$@"')
    script(folder, "python3", f'exec "{real.executable}" "$@"')
    monkeypatch.setenv("PATH", f"{shims}:{folder}:/usr/bin:/bin")
    assert [p.executable for p in find(["python3.11"]) if p == real] == [real.executable]


def test_a_virtual_environment_answers_with_the_python_it_was_made_from():
    answer = probe(".venv/bin/python")
    assert isinstance(answer, Python)
    assert ".venv" not in answer.executable


def test_pyproject_names_the_same_versions():
    table = tomllib.loads(Path("pyproject.toml").read_text())
    pins = {line for line in table["project"]["dependencies"] if line.startswith("tfx==")}
    newest = max(PORTABLE.pythons)[1]
    assert pins == {
        f"tfx=={PORTABLE.tfx}.0; python_version < '3.{newest + 1}'",
        f"tfx=={CURRENT.tfx}.0; python_version >= '3.{newest + 1}'",
    }
    versions = [version for stack in STACKS for version in stack.pythons]
    oldest, past = min(versions), max(versions)
    assert table["project"]["requires-python"] == f">={oldest[0]}.{oldest[1]},<{past[0]}.{past[1] + 1}"
