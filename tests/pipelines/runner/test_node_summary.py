"""A few words on what a node wrote."""

import pytest

from pipelines.runner.node_summary import summarise_node
from pipelines.runner.results import RAN, NodeResult, OutputArtifact


def test_rows() -> None:
    properties: dict[str, int | str] = {"rows_train": 1979, "rows_eval": 1021, "split": "by row, 33.3% of them eval"}
    examples = OutputArtifact(key="examples", type_name="Examples", uri="", properties=properties)
    result = NodeResult(node="ExampleGen", state=RAN, seconds=1, outputs=(examples,))
    assert summarise_node(result, {}) == "train 1,979 rows, eval 1,021 rows"


@pytest.mark.parametrize(
    ("node", "keys", "summary"),
    [
        ("AcceptedStatisticsResolver", [], "none accepted yet"),
        ("AcceptedStatisticsResolver", ["statistics", "blessing"], "the statistics of the data accepted last"),
        ("BlessedModelResolver", [], "no model pushed yet"),
        ("BlessedModelResolver", ["model", "comparisons"], "the model pushed last"),
        (
            "BlessedModelResolver",
            ["model", "earlier", "earlier", "comparisons"],
            "the model pushed last and 2 before it",
        ),
        ("WarmStartResolver", [], "no model pushed yet"),
    ],
)
def test_what_resolvers_found(node: str, keys: list[str], summary: str) -> None:
    found = tuple(OutputArtifact(key=key, type_name="", uri=f"{key}/19", properties={}) for key in keys)
    assert summarise_node(NodeResult(node=node, state=RAN, seconds=1, outputs=found), {}) == summary
