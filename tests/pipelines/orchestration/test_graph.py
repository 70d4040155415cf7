"""The graph file that orchestrators read."""

import json
import re
from pathlib import Path

import pytest

from pipelines import nodes
from pipelines.cli.app import execute
from pipelines.options import RunOptions
from pipelines.orchestration.graph import _WHAT, describe_graph
from pipelines.orchestration.graph_file import Graph
from pipelines.runner.capacity import NODE_BYTES
from tests.runs.project import DIABETES, NODES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return describe_graph(RunOptions(task=DIABETES, var=tmp_path_factory.mktemp("var"), train_steps=5, job_minutes=7))


def test_every_node_comes_after_those_that_it_waits_for(graph: Graph) -> None:
    names = [node.id for node in graph.nodes]
    assert sorted(names) == sorted(NODES)
    for node in graph.nodes:
        assert set(node.upstream) <= set(names[: names.index(node.id)])
        assert all(node.id in next(one for one in graph.nodes if one.id == later).upstream for later in node.downstream)
    assert next(node for node in graph.nodes if node.id == "Pusher").upstream == ("Evaluator", "SkewGate", "Trainer")


def test_what_a_node_needs(graph: Graph) -> None:
    needs = {node.id: node for node in graph.nodes}
    assert {name for name, node in needs.items() if node.gate} == {"AnomalyGate", "Evaluator", "SkewGate", "Pusher"}
    assert [name for name, node in needs.items() if node.pushes] == ["Pusher"]
    assert needs["SkewGate"].memory_bytes > needs["Trainer"].memory_bytes
    own = needs["Trainer"].memory_bytes - needs["ImportSchemaGen"].memory_bytes
    assert own == NODE_BYTES, "beside the libraries, which a node in a process of its own holds, too"
    assert {node.timeout_minutes for node in graph.nodes} == {7}
    assert graph.arguments == (
        "node",
        "--var",
        graph.var,
        "--task",
        DIABETES,
        "--train-steps",
        "5",
        "--job-minutes",
        "7",
    )


def test_the_page_of_kubeflow_has_the_same_figures(graph: Graph) -> None:
    gib = {node.id: node.memory_bytes >> 30 for node in graph.nodes}
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "kubeflow.md").read_text()
    figures = re.search(r"request of (\d) GiB for a node .*, (\d) for most, (\d) for SkewGate", page)
    assert figures is not None
    assert tuple(map(int, figures.groups())) == (gib["ImportSchemaGen"], gib["Trainer"], gib["SkewGate"])


def test_every_node_that_a_pipeline_may_have_is_described() -> None:
    named = {value for name, value in vars(nodes).items() if name.isupper() and isinstance(value, str)}
    assert set(_WHAT) == named - {nodes.ROW_TIMES, nodes.TRAIN, nodes.EVAL}


def test_the_file_and_the_list(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "made" / "graph.json"
    assert execute(["node", "--graph", str(file), "--task", DIABETES, "--var", str(tmp_path / "var")]) == 0
    record = json.loads(file.read_text())
    assert record["format"] == 1
    assert [node["id"] for node in record["nodes"] if not node["upstream"]] == ["ExampleGen", "ImportSchemaGen"]
    assert execute(["node", "--list", "--task", DIABETES, "--var", str(tmp_path / "var")]) == 0
    assert "Pusher                     pushes the model if every gate passed; after Evaluator, SkewGate, Trainer" in (
        capfd.readouterr().out
    )
