"""What a lookup found takes the place of the lookup's own artifact, with every property it had."""

import json

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as entrypoint
from tfx.types import standard_artifacts

from components.run_registry.pointers import POINTS_TO, describe, expand, point

TYPE = {"instanceSchema": "title: tfx.ExampleStatistics\ntype: object\n"}


def statistics(uri: str) -> standard_artifacts.ExampleStatistics:
    artifact = standard_artifacts.ExampleStatistics()
    artifact.uri, artifact.span, artifact.split_names = uri, 7, '["train", "eval"]'
    artifact.set_string_custom_property("note", "kept")
    artifact.set_int_custom_property("rows", 12)
    return artifact


def through_the_service(artifact: standard_artifacts.ExampleStatistics) -> dict[str, object]:
    """What the next node is given of an artifact: every number has become a double."""
    produced = entrypoint.to_runtime_artifact(artifact, {})
    return {**json_format.MessageToDict(produced), "name": "lookup", "type": TYPE}


def pointer(*targets: standard_artifacts.ExampleStatistics) -> dict[str, object]:
    made = standard_artifacts.ExampleStatistics()
    made.uri = "gs://b/lookup"
    point(made, [describe(target) for target in targets])
    return through_the_service(made)


def test_a_node_reads_the_artifacts_that_a_pointer_names() -> None:
    inputs = expand({"baseline": {"artifacts": [pointer(statistics("gs://b/1"), statistics("gs://b/2"))]}})
    given = json_format.ParseDict({"artifacts": inputs}, pipeline_spec_pb2.ExecutorInput.Inputs())
    read = entrypoint.parse_raw_artifact_dict(given.artifacts)["baseline"]
    assert [artifact.uri for artifact in read] == ["gs://b/1", "gs://b/2"]
    assert len({artifact.id for artifact in read}) == 2
    for artifact in read:
        assert (artifact.span, artifact.split_names) == (7, '["train", "eval"]')
        assert artifact.get_string_custom_property("note") == "kept"
        assert artifact.get_int_custom_property("rows") == 12


def test_an_input_of_nothing_is_left_out_and_others_stay() -> None:
    own = through_the_service(statistics("gs://b/own"))
    found = expand({"baseline": {"artifacts": [pointer()]}, "statistics": {"artifacts": [own]}})
    assert found == {"statistics": {"artifacts": [own]}}


def test_a_pointer_can_be_recorded_as_text() -> None:
    made = standard_artifacts.ExampleStatistics()
    point(made, [describe(statistics("gs://b/1"))])
    (target,) = json.loads(made.get_string_custom_property(POINTS_TO))
    assert target["uri"] == "gs://b/1"
    assert target["metadata"] == {"span": 7, "split_names": '["train", "eval"]', "note": "kept", "rows": 12}
