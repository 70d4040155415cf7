"""The job that each Beam node would send to Dataflow: made by Beam's own runner from the node's graph, and not sent."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import apache_beam as beam
import pytest
from apache_beam.io.gcp import gcsio
from apache_beam.options import pipeline_options
from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner
from google.protobuf import json_format
from tensorflow_model_analysis.extractors.extractor import Extractor
from tfx.components.example_gen import utils
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts
from tfx.types import standard_component_specs as keys
from tfx.types.artifact import Artifact
from tfx.utils import io_utils, proto_utils

from components.csv_example_gen.executor import Executor as ExampleGen
from components.csv_example_gen.executor import column_types
from components.evaluator import executor as evaluator
from components.keyed_transform.executor import Executor as Transform
from components.statistics_gen.executor import Executor as StatisticsGen
from tests import handmade
from tests.components.csv_example_gen.test_executor import CONTRACT, sample
from tests.components.evaluator.test_executor import CONFIG, batches, predict
from tests.components.keyed_transform.test_executor import make_artifact, make_examples
from tests.pipelines.engines.test_dataflow import ENGINE

pytestmark = pytest.mark.slow

Artifacts = dict[str, list[Artifact]]
Call = tuple[type[BaseBeamExecutor], Artifacts, Artifacts, dict[str, Any]]  # what is to be called with what
Node = Callable[[Path, pytest.MonkeyPatch], Call]


class NotSentError(Exception):
    """A job is there, and would be sent now."""


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The jobs that Dataflow would have got."""
    made: list[Any] = []
    run = DataflowRunner.run_pipeline

    def make_job(self: DataflowRunner, pipeline: beam.Pipeline, options: pipeline_options.PipelineOptions) -> None:
        options.view_as(pipeline_options.TestOptions).dry_run = True
        run(self, pipeline, options)
        made.append(self.job)
        raise NotSentError

    monkeypatch.setattr(DataflowRunner, "run_pipeline", make_job)
    # Beam asks for the bucket's rules, to warn of those that cost money.
    monkeypatch.setattr(gcsio, "GcsIO", mock.Mock())
    return made


def example_gen(folder: Path, _: pytest.MonkeyPatch) -> Call:
    source = example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="all", pattern="*.csv")])
    parameters = {
        "input_base": str(sample(folder / "data", 50)),
        "input_config": proto_utils.proto_to_json(source),
        "output_config": proto_utils.proto_to_json(utils.make_default_output_config(source)),
        "output_data_format": example_gen_pb2.FORMAT_TF_EXAMPLE,
        "output_file_format": example_gen_pb2.FORMAT_TFRECORDS_GZIP,
        "custom_config": proto_utils.proto_to_json(column_types(CONTRACT, "", None)),
    }
    return ExampleGen, {}, {"examples": [make_artifact(standard_artifacts.Examples, folder / "out")]}, parameters


def make_inputs(folder: Path) -> Artifacts:
    schema = make_artifact(standard_artifacts.Schema, folder / "schema")
    io_utils.write_pbtxt_file(f"{schema.uri}/schema.pbtxt", handmade.CONTRACT)
    return {"examples": [make_examples(folder / "raw")], "schema": [schema]}


def statistics_gen(folder: Path, _: pytest.MonkeyPatch) -> Call:
    outputs = {"statistics": [make_artifact(standard_artifacts.ExampleStatistics, folder / "statistics")]}
    return StatisticsGen, make_inputs(folder), outputs, {}


def transform(folder: Path, _: pytest.MonkeyPatch) -> Call:
    outputs = {
        "transform_graph": [make_artifact(standard_artifacts.TransformGraph, folder / "graph")],
        "transformed_examples": [make_artifact(standard_artifacts.Examples, folder / "transformed")],
    }
    parameters = {
        "preprocessing_fn": "tests.components.keyed_transform.test_executor.preprocessing_fn",
        "disable_statistics": 1, "custom_config": "null", "force_tf_compat_v1": 0,
    }  # fmt: skip
    return Transform, make_inputs(folder), outputs, parameters


def evaluate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Without reading Examples and asking a model."""
    given = list(batches(predict(1.0), predict(-1.0)))
    monkeypatch.setattr(evaluator, "read_batches", lambda pipeline, *_: (pipeline | beam.Create(given), None))
    monkeypatch.setattr(evaluator, "batch_extractors", lambda **_: [Extractor("AsGiven", beam.Map(lambda one: one))])
    kinds = {
        keys.EXAMPLES_KEY: standard_artifacts.Examples, keys.MODEL_KEY: standard_artifacts.Model,
        keys.BASELINE_MODEL_KEY: standard_artifacts.Model, keys.EVALUATION_KEY: standard_artifacts.ModelEvaluation,
        keys.BLESSING_KEY: standard_artifacts.ModelBlessing,
    }  # fmt: skip
    both = {name: [make_artifact(kind, folder / name)] for name, kind in kinds.items()}
    return evaluator.Executor, both, both, {keys.EVAL_CONFIG_KEY: json_format.MessageToJson(CONFIG)}


@pytest.mark.parametrize("node", [example_gen, statistics_gen, transform, evaluate])
def test_beam_makes_a_job_of_the_node_s_graph(
    node: Node, tmp_path: Path, jobs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    executor, inputs, outputs, parameters = node(tmp_path, monkeypatch)
    context = BaseBeamExecutor.Context(beam_pipeline_args=list(ENGINE.beam_args()), tmp_dir=str(tmp_path / "tmp"))
    with pytest.raises(NotSentError):
        executor(context).Do(inputs, outputs, parameters)
    (job,) = jobs
    environments = job.proto_pipeline.components.environments.values()
    images = {one.payload for one in environments if one.urn == "beam:env:docker:v1"}
    assert len(environments) == len(images) == 1
    assert ENGINE.sdk_container_image.encode() in images.pop()
    fetched = {artifact.role_payload for one in environments for artifact in one.dependencies}
    # Beam's note of what was installed here; and the main module, pickled, where TFX has Beam pickle with dill. Workers
    # would fetch anything else as a package: the image has all of them.
    assert [
        one for one in fetched if not one.endswith((b"submission_environment_dependencies.txt", b"main_session"))
    ] == []
    assert {"pipeline": "taxi", "team": "pricing"}.items() <= json.loads(str(job))["labels"].items()
