"""A few words on what a node wrote."""

from pipelines.runner.node_summary import summarise_node
from pipelines.runner.results import RAN, NodeResult, OutputArtifact


def test_rows() -> None:
    properties: dict[str, int | str] = {"rows_train": 1979, "rows_eval": 1021, "split": "by row, 33.3% of them eval"}
    examples = OutputArtifact(key="examples", type_name="Examples", uri="", properties=properties)
    result = NodeResult(node="ExampleGen", state=RAN, seconds=1, outputs=(examples,))
    assert summarise_node(result, {}) == "train 1,979 rows, eval 1,021 rows"
