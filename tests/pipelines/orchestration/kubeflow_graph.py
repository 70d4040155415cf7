"""A hand-made graph, and its pipeline as kfp compiles it, for tests that need no real one."""

import dataclasses
from pathlib import Path
from typing import Any

import yaml

from pipelines.orchestration.graph_file import Graph, GraphNode
from pipelines.orchestration.kubeflow.options import KubeflowOptions
from pipelines.orchestration.kubeflow.pipeline import compile_pipeline

IMAGE = f"registry.example:5000/team/pipeline@sha256:{'0123456789abcdef' * 4}"
VAR = "/home/somebody/project/var"


def node(name: str, *upstream: str, gib: float = 1.0) -> GraphNode:
    return GraphNode(
        id=name,
        what="does something",
        upstream=upstream,
        downstream=(),
        pushes=name == "Pusher",
        gate=False,
        memory_bytes=int(gib * 2**30),
        cores=1,
        timeout_minutes=60.0,
        retries=2,
    )


def graph(*arguments: str) -> Graph:
    return Graph(
        task="own_trips",
        package="own.own_trips",
        var=VAR,
        arguments=("node", "--var", VAR, "--task", "own.own_trips", *arguments),
        engine="local",
        parallel=False,
        pushes_to=f"{VAR}/serving/own_trips",
        nodes=(
            node("ExampleGen"),
            node("ImportSchemaGen"),
            node("Trainer", "ExampleGen", gib=2.5),
            node("Evaluator", "Trainer", "ImportSchemaGen"),
            node("Pusher", "Evaluator"),
        ),
    )


@dataclasses.dataclass(frozen=True)
class Compiled:
    """A compiled pipeline."""

    file: Path
    text: str
    spec: dict[str, Any]
    platform: dict[str, Any]  # label of an executor -> what it has of Kubernetes

    @property
    def executors(self) -> dict[str, Any]:
        return self.spec["deploymentSpec"]["executors"]

    @property
    def nodes(self) -> dict[str, Any]:
        """The tasks of the nodes, as the DAG within the exit handler has them."""
        (dag,) = (one["dag"] for one in self.spec["components"].values() if "dag" in one)
        return dag["tasks"]


def compiled(file: Path, made: Graph, **options: Any) -> Compiled:
    """Compiles a graph."""
    compile_pipeline(made, KubeflowOptions(graph=Path("unused"), image=IMAGE, out=file, **options))
    return read(file)


def read(file: Path) -> Compiled:
    spec, platform = yaml.safe_load_all(file.read_text())
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return Compiled(file=file, text=file.read_text(), spec=spec, platform=executors)
