import json
import sys
import tomllib
from pathlib import Path

import pytest

from environment import uv
from environment.stack import PYTHONS, STACKS, NoStackError, Platform, Python, best, choose, decide, installed, probe
from tests.environment.machines import DEBIAN_12, DEBIAN_13, MAC, python

CURRENT, PORTABLE = STACKS


@pytest.mark.parametrize(
    ("here", "pythons", "stack", "version"),
    [
        (DEBIAN_13, [python("3.13.5"), python("3.12.3"), python("3.11.2")], CURRENT, "3.13.5"),
        (Platform("linux-x86_64", "2.39"), [python("3.12.3"), python("3.11.2")], CURRENT, "3.12.3"),
        (Platform("linux-x86_64", "2.38"), [python("3.13.5"), python("3.11.2")], PORTABLE, "3.11.2"),
        (Platform("linux-x86_64", "2.100"), [python("3.13.5")], CURRENT, "3.13.5"),
        (DEBIAN_13, [python("3.14.0"), python("3.11.2")], PORTABLE, "3.11.2"),
        (DEBIAN_13, [python("3.13.5", plain=False), python("3.11.2")], PORTABLE, "3.11.2"),
        (MAC, [python("3.12.7"), python("3.11.9")], CURRENT, "3.12.7"),
    ],
)
def test_the_current_stack_where_it_can_be_had_else_the_portable_one(here, pythons, stack, version):
    choice = choose(here, pythons)
    assert (choice.stack, choice.python.version) == (stack, version)


def test_the_reason_names_what_decided():
    assert choose(DEBIAN_13, [python("3.13.5")]).why == "Python 3.13.5 on linux-x86_64 with glibc 2.41"
    assert choose(DEBIAN_12, [python("3.11.2")]).why == (
        "the current stack needs linux-x86_64 with glibc 2.39 or newer or darwin-arm64, and this is linux-x86_64 with "
        "glibc 2.36"
    )
    assert (
        choose(DEBIAN_13, [python("3.11.2")]).why == "the current stack needs CPython 3.12 or 3.13, and none was found"
    )


def test_the_first_of_equals_is_taken_but_one_without_headers_comes_last():
    first, second = python("3.13.1", executable="/a"), python("3.13.2", executable="/b")
    assert choose(DEBIAN_13, [first, second]).python == first
    assert choose(DEBIAN_13, [first._replace(headers=False), second]).python == second


@pytest.mark.parametrize(
    ("here", "pythons", "message"),
    [
        (
            DEBIAN_13,
            [],
            "the portable stack needs CPython 3.11, and none was found. Received: no Python >=3.11,<3.14. ",
        ),
        (
            DEBIAN_12,
            [python("3.9.2")],
            "with glibc 2.36; .* Received: /usr/bin/python3.9 .3.9.2.. Install such a Python",
        ),
        (MAC, [python("3.11.9")], "the portable stack needs linux-x86_64 with glibc 2.17 .* and this is darwin-arm64"),
        (Platform("linux-aarch64", "2.41"), [python("3.13.5")], "and this is linux-aarch64 with glibc 2.41"),
        (Platform("linux-x86_64", ""), [python("3.13.5")], "glibc 2.39 .* and this is linux-x86_64 without glibc"),
    ],
)
def test_a_machine_without_a_stack_is_told_what_it_would_take(here, pythons, message):
    with pytest.raises(NoStackError, match="^No stack fits this machine: the current stack needs .*" + message):
        choose(here, pythons)


def test_python_given_by_name_goes_before_the_better_stack():
    choice = choose(DEBIAN_13, [python("3.11.2")], "python3.11")
    assert (choice.stack, choice.why) == (PORTABLE, "PYTHON=python3.11 asks for Python 3.11.2")


@pytest.mark.parametrize(
    ("here", "answer", "message"),
    [
        (DEBIAN_12, python("3.13.0"), "the current stack needs .*glibc 2.39 .* this is linux-x86_64 with glibc 2.36; "),
        (MAC, python("3.11.9"), "the portable stack needs linux-x86_64 .* and this is darwin-arm64"),
        (DEBIAN_13, python("3.14.0"), r"needs CPython 3.11, and .* Received: /usr/bin/python3.14 \(3.14.0\)"),
        (DEBIAN_13, python("3.13.5", plain=False), r"Received: .* \(3.13.5, free-threaded or not CPython\)"),
    ],
)
def test_python_that_this_machine_cannot_have_is_an_error(here, answer, message):
    with pytest.raises(NoStackError, match=f"^No stack fits PYTHON=p: .*{message}.*. Leave PYTHON out"):
        choose(here, [answer], "p")


def test_python_that_does_not_run_is_an_error(tmp_path):
    with pytest.raises(
        NoStackError, match=r"PYTHON=python3.99 does not run. Expected: .* >=3.11,<3.14. Received: no such"
    ):
        decide(None, "python3.99")
    broken = script(tmp_path, "broken", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    with pytest.raises(
        NoStackError, match=r"Received: .*/broken: pyenv: python3.13: command not found. Correct PYTHON"
    ):
        decide(None, broken)


def test_a_stack_has_the_best_python_only_where_it_fits():
    assert best(CURRENT, DEBIAN_12, [python("3.13.0"), python("3.11.2")]) is None
    assert best(PORTABLE, DEBIAN_13, [python("3.13.5"), python("3.11.2")]) == python("3.11.2")


def script(folder: Path, name: str, body: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_a_shim_that_does_not_start_python_answers_with_its_own_words(tmp_path):
    shim = script(tmp_path, "python3.13", "echo; echo 'pyenv: python3.13: command not found' >&2; exit 127")
    assert probe(shim) == f"{shim}: pyenv: python3.13: command not found"
    assert "exit status 3" in str(probe(script(tmp_path, "silent", "exit 3")))
    assert "Expecting value" in str(probe(script(tmp_path, "chatty", "echo hello")))
    assert "No such file" in str(probe(str(tmp_path / "missing")))


@pytest.mark.slow
def test_interpreters_are_found_behind_shims(tmp_path, monkeypatch):
    real = probe(sys.executable)
    assert isinstance(real, Python)
    shims, folder = tmp_path / "shims", tmp_path / "bin"
    for path in (shims, folder):
        path.mkdir()
    name = f"python{real.version.rpartition('.')[0]}"
    script(shims, name, "exit 127")
    script(folder, name, f'exec "{real.executable}" "$@"')
    installer = uv.find() or uv.fetch()
    monkeypatch.setenv("PATH", f"{shims}:{folder}:/usr/bin:/bin")
    assert real in installed(installer)
    assert installed(None) == [real]


def test_an_interpreter_that_uv_remembers_and_that_does_not_start_any_more_is_passed_over(tmp_path):
    listing = json.dumps([{"path": script(tmp_path, "python3.13", "exit 127")}, {"path": sys.executable}])
    assert installed(script(tmp_path, "uv", f"echo '{listing}'")) == [probe(sys.executable)]


def test_a_virtual_environment_answers_with_the_python_it_was_made_from():
    answer = probe(".venv/bin/python")
    assert isinstance(answer, Python)
    assert ".venv" not in answer.executable


def test_pyproject_names_the_same_versions():
    table = tomllib.loads(Path("pyproject.toml").read_text())
    pins = {line for line in table["project"]["dependencies"] if line.startswith("tfx==")}
    assert pins == {
        f"tfx=={PORTABLE.tfx}.0; python_version < '{min(CURRENT.pythons)}'",
        f"tfx=={CURRENT.tfx}.0; python_version >= '{min(CURRENT.pythons)}'",
    }
    assert table["project"]["requires-python"] == PYTHONS
    versions = sorted(version for stack in STACKS for version in stack.pythons)
    assert f">={versions[0]},<3.{int(versions[-1][2:]) + 1}" == PYTHONS
    assert table["tool"]["uv"]["required-version"] == f">={uv.VERSION}"
    assert table["build-system"]["requires"][0].startswith(f"uv_build>={uv.VERSION},")
