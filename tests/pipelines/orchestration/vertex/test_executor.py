"""What a node's container does before TFX's own entry point."""

import json
from pathlib import Path
from typing import Any

from components.run_registry.pointers import POINTS_TO
from pipelines.orchestration.vertex.executor import parse, prepare

TYPE = {"instanceSchema": "title: tfx.Model\ntype: object\n"}


def given(uri: Path, **metadata: Any) -> dict[str, Any]:
    return {"artifacts": [{"name": "n", "uri": str(uri), "type": TYPE, "metadata": metadata}]}


def test_outputs_have_folders_and_inputs_no_pointers(tmp_path: Path) -> None:
    target = {"uri": "gs://b/model", "metadata": {"note": "kept"}}
    executor_input = {
        "inputs": {
            "artifacts": {
                "model": given(tmp_path / "model"),
                "baseline": given(tmp_path / "found", **{POINTS_TO: json.dumps([target])}),
                "earlier": given(tmp_path / "none", **{POINTS_TO: "[]"}),
            },
            "parameterValues": {"split": "eval"},
        },
        "outputs": {"artifacts": {"blessing": given(tmp_path / "task" / "blessing")}, "outputFile": "o.json"},
    }
    prepared = prepare(executor_input)
    assert (tmp_path / "task" / "blessing").is_dir()
    assert set(prepared["inputs"]["artifacts"]) == {"model", "baseline"}
    assert prepared["inputs"]["artifacts"]["baseline"]["artifacts"] == [{**target, "name": target["uri"], "type": TYPE}]
    assert prepared["inputs"]["parameterValues"] == {"split": "eval"}
    assert prepared["outputs"] == executor_input["outputs"]


def test_a_node_without_inputs() -> None:
    assert prepare({"outputs": {}}) == {"outputs": {}}


def test_what_is_not_tfx_s_goes_to_beam() -> None:
    words = ["--executor_class_path", "a.B", "--json_serialized_invocation_args", "{}", "--runner=DirectRunner"]
    options, beam = parse(["executor", *words])
    assert (options.executor_class_path, options.json_serialized_inputs_spec_args) == ("a.B", None)
    assert beam == ["--runner=DirectRunner"]
