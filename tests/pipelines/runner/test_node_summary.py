"""A few words on what a node wrote."""

import json

import pytest

from pipelines.runner.node_summary import summarise_node
from pipelines.runner.results import RAN, NodeResult, OutputArtifact


@pytest.mark.parametrize(
    ("unread", "said"),
    [
        ([], "train 1,979 rows, eval 1,021 rows"),
        (["a.xlsx", "b.txt"], "train 1,979 rows, eval 1,021 rows; not read: a.xlsx, b.txt"),
        ([*"abcde"], "train 1,979 rows, eval 1,021 rows; not read: a, b, c and 2 more"),
    ],
)
def test_rows_and_what_was_not_read(unread: list[str], said: str) -> None:
    properties: dict[str, int | str] = {"rows_train": 1979, "rows_eval": 1021, "unread_files": json.dumps(unread)}
    examples = OutputArtifact(key="examples", type_name="Examples", uri="", properties=properties)
    assert summarise_node(NodeResult(node="ExampleGen", state=RAN, seconds=1, outputs=(examples,)), {}) == said
