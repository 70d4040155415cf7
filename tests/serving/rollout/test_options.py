"""The command line refuses what cannot be meant."""

import dataclasses

import pytest

from serving.rollout import options
from serving.rollout.comparison import VerdictLimits


@pytest.mark.parametrize(("arguments", "message"), [
    (["canary", "2"], "--percent"),
    (["canary", "two", "--percent", "5"], "VERSION"),
    *((["canary", "2", "--percent", percent], f"expected a number from 0 to 100, received '{percent}'")
      for percent in ("-1", "100.5", "nan", "ten")),
    (["--server", "localhost", "status"], "expected HOST:GRPC_PORT:REST_PORT such as 127.0.0.1:8500:8501"),
    (["--server", "a:8500:99999", "status"], "received 'a:8500:99999'"),
    (["--timeout", "0", "status"], "expected a number above 0"),
    (["compare", "log", "--limit", "0"], "expected a whole number of at least 1"),
    ([], "COMMAND"),
])  # fmt: skip
def test_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        options.parser().parse_args(arguments)
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


def test_limits_have_their_defaults_and_each_is_an_option() -> None:
    assert options.limits(options.parser().parse_args(["compare", "log"])) == VerdictLimits()
    given = [
        f"--{field.name.replace('_', '-')}={number}"
        for number, field in enumerate(dataclasses.fields(VerdictLimits), 3)
    ]
    for command in (["compare", "log"], ["canary", "2", "--percent", "5"]):
        found = options.limits(options.parser().parse_args([*command, *given]))
        assert list(dataclasses.astuple(found)) == list(range(3, 3 + len(given)))


def test_several_servers() -> None:
    parsed = options.parser().parse_args(["--server", "a:1:2", "--server", "::1:3:4", "status"])
    assert parsed.server == [("a", 1, 2), ("::1", 3, 4)]
