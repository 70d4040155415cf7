"""The options of `node`, and the command line that an orchestrator gets of them."""

from pathlib import Path
from typing import Any

import pytest

from pipelines.cli.app import app, execute
from pipelines.config import ConfigError, TrainerOptions, TunerConfig
from pipelines.options import RunOptions
from pipelines.orchestration.options import NodeOptions, as_arguments, describe_contradiction


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "expected one of --node, --finish, --list and --graph, received 0 of them"),
        ({"list": True, "finish": True, "run_id": "20260131-235959"}, "received 2 of them"),
        ({"node": "Trainer"}, "expected --run-id together with --node or --finish, received one without the other"),
        ({"list": True, "run_id": "20260131-235959"}, "give both, or neither"),
        ({"node": "Trainer", "run_id": "manual__2026"}, "run id: expected a time such as 20260131-235959"),
        ({"node": "Trainer", "run_id": "../20260131-235959"}, r"received '\.\./20260131-235959'"),
        (
            {"node": "/../../data", "run_id": "20260131-235959"},
            r"expected a name such as Trainer, .* '/\.\./\.\./data'",
        ),
        ({"list": True, "wait_minutes": -1.0}, "wait minutes: expected 0 or more"),
        ({"list": True, "watch": True}, "--watch: expected an option of one node, received one of many nodes"),
        ({"list": True, "at_once": 2}, "--at-once: expected an option of one node, received one of many nodes"),
    ],
)
def test_what_cannot_be_asked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        NodeOptions(**options)


@pytest.mark.parametrize(
    "options",
    [
        RunOptions(),
        RunOptions(task="tests.tasks.diabetes", train_steps=5, spans="last:4", evaluate_on="newest", push_ties=True),
        RunOptions(
            data=Path("/data of mine"),
            tune=True,
            budget=TunerConfig(trials=3),
            trainer=TrainerOptions(warm_start=True),
            push_to=Path("/models"),
            force=True,
        ),
        RunOptions(experiment="wider", note="two layers", tag=("a", "b c"), seeds=3),
    ],
)
def test_the_arguments_are_read_as_the_same_options(options: RunOptions) -> None:
    _, bound, _ = app.parse_args(["run", *as_arguments(options)], exit_on_error=False, print_error=False)
    assert next(iter(bound.arguments.values()), RunOptions()) == options


def test_how_a_run_is_carried_out_is_not_what_it_is() -> None:
    assert as_arguments(RunOptions(var=Path("/elsewhere"), verbose=True, at_once=1)) == ()


def test_a_contradiction_shows_both_command_lines() -> None:
    said = describe_contradiction((), ("--data", "/data of mine"))
    assert said == "expected no options, received --data '/data of mine'"


def test_no_action_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["node"]) == 2
    assert "expected one of --node, --finish, --list and --graph, received none" in capsys.readouterr().err
