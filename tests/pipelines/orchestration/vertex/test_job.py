"""The compiled job: what Vertex AI would read, held against the protos, kfp and Google's own client, offline."""

import copy
import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import google.auth.credentials
import kfp.components
import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.utils import import_utils

from components.artifacts import DataBlessing, ModelComparison
from pipelines import nodes
from pipelines.cloud_settings import CloudSettingsError, NodeResources
from pipelines.config import ConfigError, TrainerOptions, TunerConfig
from pipelines.orchestration.vertex.backend import ACCEPTED_STATISTICS_RECORD, NEVER_CACHED, PUSH_RECORD, vertex_backend
from pipelines.orchestration.vertex.job import Job, compile_job
from pipelines.orchestration.vertex.options import VertexOptions
from pipelines.orchestration.vertex.submission import build_job
from pipelines.resolution import resolve
from pipelines.task_definition.task import load_task
from pipelines.training import create_pipeline
from tests.pipelines.orchestration.vertex.jobs import HERE, SETTINGS

PARAMETERS = {"contract", "data", "hyperparameters", "push_destination", "registry"}


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("var")


@pytest.fixture(scope="module")
def job(var: Path) -> Job:
    """The taxi task: it has hyperparameters and a comparison."""
    return compile_job(VertexOptions(var=var, train_steps=5), SETTINGS)


@pytest.fixture(scope="module")
def spec(job: Job) -> pipeline_spec_pb2.PipelineSpec:
    json_format.ParseDict(job.spec, pipeline_spec_pb2.PipelineJob())
    return json_format.ParseDict(job.spec["pipelineSpec"], pipeline_spec_pb2.PipelineSpec())


def container(job: Job, node: str) -> dict[str, Any]:
    executors = job.spec["pipelineSpec"]["deploymentSpec"]["executors"]
    return executors[f"{node}_executor"]["container"]  # type: ignore[no-any-return]


def test_nothing_that_is_named_is_missing(spec: pipeline_spec_pb2.PipelineSpec) -> None:
    deployment = json_format.ParseDict(
        json_format.MessageToDict(spec.deployment_spec), pipeline_spec_pb2.PipelineDeploymentConfig()
    )
    tasks = spec.root.dag.tasks
    for name, task in tasks.items():
        component = spec.components[task.component_ref.name]
        assert task.component_ref.name in spec.components
        assert component.executor_label in deployment.executors
        assert set(task.dependent_tasks) <= set(tasks), name
        for key, source in task.inputs.artifacts.items():
            producer = tasks[source.task_output_artifact.producer_task]
            made = spec.components[producer.component_ref.name].output_definitions.artifacts
            assert source.task_output_artifact.output_artifact_key in made, (name, key)
            assert source.task_output_artifact.producer_task in task.dependent_tasks
        for key, parameter in task.inputs.parameters.items():
            if parameter.component_input_parameter:
                assert parameter.component_input_parameter in spec.root.input_definitions.parameters, (name, key)


def test_it_has_every_node_of_a_local_run_and_the_two_that_record(job: Job, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("a\n1\n")
    options = dataclasses.replace(VertexOptions(var=tmp_path).as_run(), data=data)
    local = {node.id for node in create_pipeline(resolve(options, load_task("taxi"))).components}
    tasks = job.spec["pipelineSpec"]["root"]["dag"]["tasks"]
    assert set(tasks) == local | {ACCEPTED_STATISTICS_RECORD, PUSH_RECORD}
    assert nodes.ANOMALY_GATE in tasks[ACCEPTED_STATISTICS_RECORD]["dependentTasks"]


def test_every_executor_and_artifact_type_can_be_imported_by_its_name(
    job: Job, spec: pipeline_spec_pb2.PipelineSpec
) -> None:
    for executor in job.spec["pipelineSpec"]["deploymentSpec"]["executors"].values():
        if "container" in executor:
            words = executor["container"]["args"]
            import_utils.import_class_by_path(words[words.index("--executor_class_path") + 1])
    titles = {
        yaml.safe_load(output.artifact_type.instance_schema)["title"]
        for component in spec.components.values()
        for output in component.output_definitions.artifacts.values()
    }
    own = {title for title in titles if not title.startswith("tfx.")}
    assert own == {"components.DataBlessing", "components.ModelComparison"}
    assert {import_utils.import_class_by_path(title) for title in own} == {DataBlessing, ModelComparison}
    assert DataBlessing.TYPE_NAME == "DataBlessing"  # as databases of local runs have it


def test_every_place_is_a_parameter_and_no_path_of_this_machine_is_in_it(job: Job, var: Path) -> None:
    text = json.dumps(job.spec)
    assert set(job.spec["runtimeConfig"]["parameterValues"]) == PARAMETERS
    assert set(job.spec["pipelineSpec"]["root"]["inputDefinitions"]["parameters"]) == PARAMETERS
    assert re.findall(r'(?<=")/[^"]*|(?<=\\")/[^"\\]*', text) == []
    for place in (str(var), str(Path(__file__).resolve().parents[4]), str(Path.home()) + "/"):
        assert place not in text
    values = job.spec["runtimeConfig"]["parameterValues"]
    assert values["data"] == "gs://my-bucket/data/taxi"
    assert json.loads(values["push_destination"]) == {"filesystem": {"baseDirectory": "gs://my-bucket/serving/taxi"}}
    # They stand in the values alone, so that another submission may give others.
    assert "gs://" not in json.dumps(job.spec["pipelineSpec"]["root"])
    assert set(job.uploads.values()) == {values["contract"], f"{values['hyperparameters']}/best_hyperparameters.txt"}


def test_no_secret_is_in_it(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("METADATA_PASSWORD", "GOOGLE_API_KEY", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "s3cret-of-this-shell")
    text = json.dumps(compile_job(VertexOptions(task="tests.tasks.diabetes", var=var), SETTINGS).spec)
    assert "s3cret" not in text
    assert not re.search(r"password|private_key|BEGIN ", text, flags=re.IGNORECASE)


def test_what_looks_at_earlier_runs_is_never_cached(job: Job, var: Path) -> None:
    tasks = job.spec["pipelineSpec"]["root"]["dag"]["tasks"]
    uncached = {name for name, task in tasks.items() if not task.get("cachingOptions", {}).get("enableCache")}
    assert uncached == set(NEVER_CACHED)
    forced = compile_job(VertexOptions(task="tests.tasks.diabetes", var=var, force=True), SETTINGS).spec
    assert "enableCache" not in json.dumps(forced)


def test_machines_are_as_the_settings_say_and_examplegen_has_one_too(job: Job) -> None:
    trainer = container(job, "Trainer")["resources"]
    assert trainer["accelerator"] == {"type": "NVIDIA_L4", "count": "2"}
    assert (trainer["cpuLimit"], round(trainer["memoryLimit"], 2)) == (8, 34.36)
    assert container(job, "ExampleGen")["resources"]["cpuLimit"] == 4
    assert "accelerator" not in container(job, "Evaluator")["resources"]
    unknown = dataclasses.replace(SETTINGS, nodes={"Trainr": NodeResources(cpu=1)})
    with pytest.raises(CloudSettingsError, match=r"nodes\.Trainr: expected a node of this job, one of Accepted"):
        compile_job(VertexOptions(task="tests.tasks.diabetes"), unknown)


def test_beam_runs_on_dataflow_or_in_the_node(job: Job, var: Path) -> None:
    engine = SETTINGS.engine("taxi")
    assert engine is not None
    for node in ("ExampleGen", "StatisticsGen", "Transform", "Evaluator"):
        assert set(engine.beam_args()) < set(container(job, node)["args"]), node
    assert {"--max_num_workers=3", "--network=inner", "--labels=pipeline=taxi"} < set(engine.beam_args())
    here = compile_job(VertexOptions(task="tests.tasks.diabetes", var=var), HERE)
    assert "--runner=DirectRunner" in container(here, "Transform")["args"]


def test_a_search_is_a_node_with_a_machine_of_its_own(var: Path) -> None:
    settings = dataclasses.replace(SETTINGS, nodes={"Tuner": NodeResources(cpu=2, accelerator="NVIDIA_L4")})
    job = compile_job(VertexOptions(var=var, tune=True, budget=TunerConfig(trials=2)), settings)
    assert container(job, "Tuner")["resources"]["accelerator"] == {"type": "NVIDIA_L4", "count": "1"}
    assert job.places.hyperparameters is None
    assert "hyperparameters" not in job.spec["runtimeConfig"]["parameterValues"]


def test_an_experiment_pushes_nothing_and_leaves_no_record(var: Path) -> None:
    job = compile_job(VertexOptions(task="tests.tasks.diabetes", var=var, experiment="wider"), SETTINGS)
    tasks = job.spec["pipelineSpec"]["root"]["dag"]["tasks"]
    assert {nodes.PUSHER, PUSH_RECORD, ACCEPTED_STATISTICS_RECORD}.isdisjoint(tasks)


def test_a_warm_start_is_refused_by_the_backend_too(var: Path) -> None:
    options = dataclasses.replace(VertexOptions(var=var).as_run(), trainer=TrainerOptions(warm_start=True))
    config = resolve(options, load_task("tests.tasks.diabetes"), remote_data="gs://my-bucket/data")
    with pytest.raises(ConfigError, match="--warm-start: expected a local run, received a job on Vertex AI"):
        create_pipeline(config, vertex_backend(config, "gs://my-bucket/jobs"))


def test_kfp_loads_it(job: Job) -> None:
    spec = copy.deepcopy(job.spec["pipelineSpec"])
    loaded = kfp.components.load_component_from_text(yaml.safe_dump(spec))
    assert set(loaded.component_spec.inputs) == PARAMETERS


class NoCredentials(google.auth.credentials.AnonymousCredentials):
    """What a request is built with, and cannot be sent with."""


def test_google_s_client_builds_the_request(job: Job, tmp_path: Path) -> None:
    file = tmp_path / "taxi.json"
    file.write_text(json.dumps(job.spec))
    request = build_job(file, SETTINGS, "taxi", NoCredentials())
    sent = request._gca_resource
    assert re.fullmatch(r"taxi-\d{8}-\d{6}", request.job_id)
    assert dict(sent.labels) == {"pipeline": "taxi", "team": "pricing"}
    assert sent.runtime_config.gcs_output_directory == "gs://my-bucket/jobs/taxi"
    assert dict(sent.runtime_config.parameter_values)["data"] == "gs://my-bucket/data/taxi"
    assert sent.pipeline_spec["schemaVersion"] == "2.1.0"
    tasks = sent.pipeline_spec["root"]["dag"]["tasks"]
    assert tasks["Trainer"]["cachingOptions"] == {"enableCache": True}
    assert "cachingOptions" not in tasks[nodes.BLESSED_MODEL_RESOLVER]
