"""A pipeline of nodes that do what a test says, without Beam and TensorFlow."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.types.standard_artifacts import Model

from pipelines.runner.integrity import ArtifactDigests
from pipelines.runner.launch import compile_pipeline, run_nodes
from pipelines.runner.results import NodeResult

_PATIENCE = 20  # seconds


class OwnError(ValueError):
    """An error of this project whose constructor takes something else than its message."""

    def __init__(self, findings: list[str]):
        self.findings = findings
        super().__init__(f"{len(findings)} findings")


@component
def Act(  # noqa: N802
    output: OutputArtifact[Model], action: Parameter[str], folder: Parameter[str], after: InputArtifact[Model] = None
) -> None:
    """Does an action of _ACTIONS, in the folder of the test."""
    Path(output.uri, "begun").touch()
    _ACTIONS[action](Path(folder))
    Path(output.uri, "done").touch()


def run_acting(
    var: Path,
    actions: Mapping[str, str],
    *,
    waits: Mapping[str, str] | None = None,
    at_once: int = 2,
    forked: list[str] | None = None,
) -> Iterator[NodeResult]:
    """Runs a pipeline below `var`: node -> action; and node -> the node that it waits for; `forked` gets what ran."""
    nodes = {name: Act(action=action, folder=str(var)).with_id(name) for name, action in actions.items()}
    for name, earlier in (waits or {}).items():
        nodes[name].spec.inputs["after"] = nodes[earlier].outputs["output"]
    pipeline = Pipeline(
        pipeline_name="acting",
        pipeline_root=str(var / "artifacts" / "acting"),
        components=[*nodes.values()],
        enable_cache=True,
        metadata_connection_config=sqlite_metadata_connection_config(str(database(var))),
    )
    compiled = compile_pipeline(pipeline, f"run-{time.time_ns()}")
    on_fork = ([] if forked is None else forked).append
    return run_nodes(compiled, ArtifactDigests(var / "artifacts" / "acting"), at_once=at_once, on_fork=on_fork)


def database(var: Path) -> Path:
    """The ML Metadata database."""
    return var / "metadata.sqlite"


def wait_until(true: Callable[[], bool]) -> None:
    """Waits, but not for ever."""
    deadline = time.monotonic() + _PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _meet(folder: Path) -> None:
    """Waits until a second node is there."""
    (folder / f"pid-{os.getpid()}").touch()
    wait_until(lambda: len(list(folder.glob("pid-*"))) >= 2)


def _raise_own(folder: Path) -> None:
    _meet(folder)
    raise OwnError(["a", "b"])


def _raise_foreign(folder: Path) -> None:
    _meet(folder)
    int("three")


def _outlast(folder: Path) -> None:
    """Ends well after the other."""
    _meet(folder)
    time.sleep(0.3)


def _hang(folder: Path) -> None:
    _meet(folder)
    time.sleep(600)


def _clean_up(folder: Path) -> None:
    """Takes a moment to stop what it had started, as InfraValidator its container."""
    try:
        _hang(folder)
    finally:
        time.sleep(0.3)
        (folder / "cleaned up").touch()


def _signal_runner(number: signal.Signals) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        _meet(folder)
        os.kill(os.getppid(), number)
        time.sleep(600)

    return act


def _signal_itself(number: signal.Signals) -> Callable[[Path], None]:
    return lambda folder: os.kill(os.getpid(), number)


_ACTIONS: dict[str, Callable[[Path], None]] = {
    "nothing": lambda folder: None,
    "meet": _meet,
    "raise own": _raise_own,
    "raise foreign": _raise_foreign,
    "outlast": _outlast,
    "hang": _hang,
    "clean up": _clean_up,
    "interrupt the runner": _signal_runner(signal.SIGINT),
    "kill the runner": _signal_runner(signal.SIGKILL),
    "be killed": _signal_itself(signal.SIGKILL),
    "be stopped": _signal_itself(signal.SIGTERM),
}
