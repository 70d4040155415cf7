"""The roll-out's command line: what it refuses, and what it makes of options."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from serving.cli.app import app
from serving.cli.usage import execute
from serving.rollout import command
from serving.rollout.options import ReplayOptions, RolloutOptions, VerdictLimits

Calls = list[tuple[Any, ...]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What the commands are called with."""
    found: Calls = []
    for name in ("status", "canary", "compare", "promote", "rollback"):
        monkeypatch.setattr(command, name, lambda *given, name=name, **named: found.append((name, *given, named)) or 0)
    return found


@pytest.mark.parametrize(("arguments", "message"), [
    (["canary", "2"], "--percent"),
    (["canary", "two", "--percent", "5"], "VERSION: expected a whole number, received 'two'"),
    (["canary", "2", "--percent", "ten"], "--percent: expected a number, received 'ten'"),
    *((["canary", "2", "--percent", percent], f"--percent: expected a number from 0 to 100, received {percent}")
      for percent in ("-1", "100.5", "nan")),
    (["--server", "localhost", "status"], "--server: expected HOST:GRPC_PORT:REST_PORT such as 127.0.0.1:8500:8501"),
    (["--server", "a:8500:99999", "status"], "received 'a:8500:99999'"),
    (["--timeout", "0", "status"], "--timeout: expected a number above 0, received 0"),
    (["--drain", "-1", "status"], "--drain: expected a number of at least 0, received -1"),
    (["compare", "log", "--limit", "0"], "--limit: expected a whole number of at least 1, received 0"),
    (["compare", "log", "--min-rows", "0"], "--min-rows: expected a whole number of at least 1, received 0"),
    (["compare", "log", "--latency-ms", "-2"], "--latency-ms: expected a number of at least 0, received -2"),
    (["compare"], "requests"),
    (["rollback", "--version", "2", "--only-unfinished"], "expected --version or --only-unfinished, received both"),
    (["deploy"], "deploy"),
])  # fmt: skip
def test_refused(arguments: list[str], message: str, calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(app, ["rollout", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("python -m serving rollout")
    assert message.lower() in said.lower()
    assert calls == []


def test_no_command_shows_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(app, ["rollout"]) == 2
    assert "promote" in capsys.readouterr().out


def test_limits_have_their_defaults_and_each_is_an_option(calls: Calls) -> None:
    given = [
        f"--{field.name.replace('_', '-')}={number}"
        for number, field in enumerate(dataclasses.fields(VerdictLimits), 3)
    ]
    for words in (["compare", "log"], ["canary", "2", "--percent", "5"]):
        assert execute(app, ["rollout", *words]) == execute(app, ["rollout", *words, *given]) == 0
    for _, *_, by_default, named in calls[::2]:
        assert named == {"rollback_on_fail": False} or not named
        assert by_default == VerdictLimits()
    for _, *_, replay, found, _named in calls[1::2]:
        assert list(dataclasses.astuple(found)) == list(range(3, 3 + len(given)))
        assert replay == ReplayOptions()


def test_options_stand_before_or_after_the_command(calls: Calls) -> None:
    servers = ["--server", "a:1:2", "--server", "::1:3:4", "--model-config-file", "x"]
    assert execute(app, ["rollout", *servers, "status"]) == execute(app, ["rollout", "status", *servers]) == 0
    expected = RolloutOptions(server=("a:1:2", "::1:3:4"), model_config_file=Path("x"))
    assert calls == [("status", expected, {}), ("status", expected, {})]


def test_the_last_of_a_repeated_option_counts(calls: Calls) -> None:
    drain = ["--drain", "0", "--model", "a", "--drain", "600", "--model", "b"]
    assert execute(app, ["rollout", *drain, "status"]) == 0
    again = ["--percent", "5", "--min-rows", "2", "--percent", "6", "--min-rows", "3"]
    assert execute(app, ["rollout", "canary", "2", *again]) == 0
    assert calls[0] == ("status", RolloutOptions(drain=600, model="b"), {})
    assert calls[1][2:4] == (2, 6)
    assert calls[1][6] == VerdictLimits(min_rows=3)


def test_a_step_can_name_what_it_expects(calls: Calls) -> None:
    for words in (
        ["promote"],
        ["promote", "--version", "2"],
        ["rollback", "--version", "2"],
        ["rollback", "--only-unfinished"],
    ):
        assert execute(app, ["rollout", *words]) == 0
    assert [(name, version, named) for name, _, version, named in calls] == [
        ("promote", None, {}),
        ("promote", 2, {}),
        ("rollback", 2, {"only_unfinished": False}),
        ("rollback", None, {"only_unfinished": True}),
    ]
