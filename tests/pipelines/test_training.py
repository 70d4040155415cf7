"""What create_pipeline refuses before anything runs, and what a config adds to the pipeline or leaves out."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format, text_format
from tensorflow_model_analysis.proto import config_pb2
from tfx.proto import infra_validator_pb2
from tfx.proto.orchestration import pipeline_pb2

from components.source_digest import source_digest
from pipelines.config import DOCKER, EMBEDDED, ConfigError, PipelineConfig, TrainerConfig, TunerConfig
from pipelines.deployment import DEPLOY
from pipelines.runner.launch import compile_pipeline
from pipelines.search import search
from pipelines.task_definition.task import Task
from pipelines.training import checked_eval_config, create_pipeline, dotted_path
from tests.pipelines.search import quick
from tests.tasks.diabetes.task import TASK


def eval_config(threshold: str) -> config_pb2.EvalConfig:
    return text_format.Parse(
        f'model_specs {{ label_key: "y" }} metrics_specs {{ metrics {{ class_name: "AUC" {threshold} }} }}',
        config_pb2.EvalConfig(),
    )


@pytest.mark.parametrize(
    "threshold",
    [
        "threshold { value_threshold { lower_bound { value: 0.5 } } }",
        "per_slice_thresholds { slicing_specs {} threshold { value_threshold { lower_bound { value: 0.5 } } } }",
    ],
)
def test_one_threshold_will_do(threshold: str) -> None:
    config = eval_config(threshold)
    assert checked_eval_config(config) is config


def test_no_threshold() -> None:
    with pytest.raises(ConfigError) as error:
        checked_eval_config(eval_config(""))
    assert str(error.value) == (
        "the EvalConfig has no threshold, so no model could ever be blessed: expected at least one value threshold, "
        "received none; add one in the task's evaluation.py."
    )


def test_dotted_path() -> None:
    assert dotted_path(checked_eval_config) == "pipelines.training.checked_eval_config"


def compiled(tmp_path: Path, infra: str, **changes: object) -> dict[str, pipeline_pb2.PipelineNode]:
    """The nodes of the compiled pipeline by id; with changes of the config."""
    data = tmp_path / "data.csv"
    data.write_text("a\n1\n")
    config = PipelineConfig(
        task=TASK,
        data=data,
        contract=TASK.contract,
        var=tmp_path,
        trainer=TrainerConfig(train_steps=1),
        infra=infra,
        time_limit=77,
    )
    config = dataclasses.replace(config, **changes)
    nodes = compile_pipeline(create_pipeline(config), "run").nodes
    return {node.pipeline_node.node_info.id: node.pipeline_node for node in nodes}


def parameter(node: pipeline_pb2.PipelineNode, name: str) -> str | int:
    value = node.parameters.parameters[name].field_value
    return getattr(value, str(value.WhichOneof("value")))


def producers(node: pipeline_pb2.PipelineNode, key: str) -> list[str]:
    """The nodes that an input comes from."""
    return [channel.producer_node_query.id for channel in node.inputs.inputs[key].channels]


def test_without_docker_the_embedded_server_is_all(tmp_path: Path) -> None:
    nodes = compiled(tmp_path, EMBEDDED)
    assert "InfraValidator" not in nodes
    gate = nodes["SkewGate"]
    assert "infra_validation" not in gate.inputs.inputs
    assert parameter(gate, "time_limit") == 77


def test_the_warmup_requests_have_the_batch_sizes_that_are_deployed(tmp_path: Path) -> None:
    text = (DEPLOY / "model_server" / "batching.config").read_text()
    allowed = [int(line.split()[1]) for line in text.splitlines() if line.startswith("allowed_batch_sizes:")]
    assert len(allowed) > 1
    sizes = json.loads(str(parameter(compiled(tmp_path, EMBEDDED)["SkewGate"], "warmup_batch_sizes")))
    assert sizes == sorted({1, *allowed})


def test_with_docker_tensorflow_serving_must_serve_the_model_too(tmp_path: Path) -> None:
    nodes = compiled(tmp_path, DOCKER)
    validator = nodes["InfraValidator"]
    assert {key: producers(validator, key) for key in validator.inputs.inputs} == {
        "model": ["Trainer"],
        "examples": ["ExampleGen"],
    }
    serving = json_format.Parse(str(parameter(validator, "serving_spec")), infra_validator_pb2.ServingSpec())
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["model-server"]["image"]
    assert [f"tensorflow/serving:{tag}" for tag in serving.tensorflow_serving.tags] == [compose]
    assert serving.WhichOneof("serving_platform") == "local_docker"
    requests = json_format.Parse(str(parameter(validator, "request_spec")), infra_validator_pb2.RequestSpec())
    assert list(requests.tensorflow_serving.signature_names) == ["serving_default"]
    assert (requests.split_name, requests.num_examples) == ("eval", 10)
    # SkewGate blesses only what InfraValidator blessed, and Pusher only what SkewGate blessed.
    assert producers(nodes["SkewGate"], "infra_validation") == ["InfraValidator"]
    assert producers(nodes["Pusher"], "infra_blessing") == ["SkewGate"]


def test_a_task_without_hyperparameters_has_no_node_for_them(tmp_path: Path) -> None:
    nodes = compiled(tmp_path, EMBEDDED)
    assert {"Tuner", "ImportHyperparameters"}.isdisjoint(nodes)
    assert "hyperparameters" not in nodes["Trainer"].inputs.inputs


def test_committed_hyperparameters_are_imported(tmp_path: Path) -> None:
    nodes = compiled(tmp_path, EMBEDDED, hyperparameters=tmp_path / "copy")
    assert "Tuner" not in nodes
    assert producers(nodes["Trainer"], "hyperparameters") == ["ImportHyperparameters"]
    assert parameter(nodes["ImportHyperparameters"], "artifact_uri") == str(tmp_path / "copy")
    assert parameter(nodes["ImportHyperparameters"], "reimport") == 0
    forced = compiled(tmp_path, EMBEDDED, hyperparameters=tmp_path / "copy", cache=False)
    assert parameter(forced["ImportHyperparameters"], "reimport") == 1


@pytest.fixture
def tunable(tmp_path: Path) -> Task:
    file = tmp_path / "hyperparameters.toml"
    values = dataclasses.asdict(quick.COMMITTED)
    file.write_text("\n".join(f"{name} = {json.dumps(value)}" for name, value in values.items()))
    return dataclasses.replace(TASK, hyperparameters=file, tuning=quick.TUNING)


def test_a_search_takes_their_place_and_never_sees_the_eval_split(tmp_path: Path, tunable: Task) -> None:
    nodes = compiled(tmp_path, EMBEDDED, task=tunable, hyperparameters=tmp_path, tuner=TunerConfig(trials=3))
    assert "ImportHyperparameters" not in nodes
    assert producers(nodes["Trainer"], "hyperparameters") == ["Tuner"]
    tuner = nodes["Tuner"]
    assert {key: producers(tuner, key) for key in tuner.inputs.inputs} == {
        "examples": ["Transform"],
        "transform_graph": ["Transform"],
    }
    assert [json.loads(str(parameter(tuner, key)))["splits"] for key in ("train_args", "eval_args")] == [["train"]] * 2


def test_the_searchs_cache_key_holds_code_budget_and_committed_values(tmp_path: Path, tunable: Task) -> None:
    def key(budget: TunerConfig) -> dict[str, Any]:
        tuner = compiled(tmp_path, EMBEDDED, task=tunable, tuner=budget)["Tuner"]
        return json.loads(str(parameter(tuner, "custom_config")))

    first = key(TunerConfig(trials=3))
    assert first["committed"] == dataclasses.asdict(quick.COMMITTED)
    assert first["code_digest"] == source_digest(search, quick.train)
    assert key(TunerConfig(trials=4)) == {**first, "budget": {"trials": 4, "minutes": 10.0}}
    assert tunable.hyperparameters is not None
    tunable.hyperparameters.write_text(tunable.hyperparameters.read_text().replace("seed = 5", "seed = 6"))
    assert key(TunerConfig(trials=3)) == {**first, "committed": {**first["committed"], "seed": 6}}


def test_a_search_where_there_is_nothing_to_search(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^task diabetes says nothing of what to search: expected Task"):
        compiled(tmp_path, EMBEDDED, tuner=TunerConfig())
