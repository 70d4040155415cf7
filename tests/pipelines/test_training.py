"""What the options of a run add to the pipeline, or leave out."""

import builtins
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format, struct_pb2
from tfx.proto import example_gen_pb2, infra_validator_pb2
from tfx.proto.orchestration import pipeline_pb2

from components.source_digest import source_digest
from pipelines import nodes as node_ids
from pipelines.config import ConfigError, PipelineConfig, SpanInput, TrainerOptions, TunerConfig
from pipelines.deployment import DEPLOY
from pipelines.ingestion.resolution import Ingestion
from pipelines.modeling.hyperparameters import hyperparameters_copy
from pipelines.options import RunOptions
from pipelines.resolution import resolve
from pipelines.runner.launch import compile_pipeline
from pipelines.search import search
from pipelines.span_ingestion import create_ingestion_pipeline
from pipelines.spans.sources import SpanSource
from pipelines.spans.span import read_span
from pipelines.task_definition.scoping import Comparison
from pipelines.task_definition.task import Task, load_task
from pipelines.training import create_pipeline, dotted_path
from serving.signing.keys import write_pair
from tests.pipelines.search import quick
from tests.tasks.diabetes.task import TASK

COMPARED = dataclasses.replace(
    TASK, comparison=Comparison(metric="MeanSquaredError", not_worse_than=1, not_worse_than_best=2, reason="")
)
ROOT = Path(__file__).resolve().parents[2]


def test_dotted_path() -> None:
    assert dotted_path(create_pipeline) == "pipelines.training.create_pipeline"


def compiled(tmp_path: Path, task: Task = TASK, **options: Any) -> dict[str, pipeline_pb2.PipelineNode]:
    """The nodes of the compiled pipeline by id, for these options of a run."""
    data = tmp_path / "data.csv"
    data.write_text("a\n1\n")
    return compiled_nodes(resolve(RunOptions(data=data, var=tmp_path, train_steps=1, **options), task))


def compiled_nodes(config: PipelineConfig) -> dict[str, pipeline_pb2.PipelineNode]:
    nodes = compile_pipeline(create_pipeline(config), "run").nodes
    return {node.pipeline_node.node_info.id: node.pipeline_node for node in nodes}


def compiled_ingestion(var: Path) -> dict[str, pipeline_pb2.PipelineNode]:
    source = SpanSource(span=read_span("2014Q1", numbered=False), path=var / "data.csv")
    config = Ingestion(load_task("taxi"), var).resolve(source, version=3)
    nodes = compile_pipeline(create_ingestion_pipeline(config), "run").nodes
    return {node.pipeline_node.node_info.id: node.pipeline_node for node in nodes}


def test_an_ingestion_checks_the_whole_span_by_the_same_contract_and_compares_it_with_the_one_before(
    tmp_path: Path,
) -> None:
    ingestion, training = compiled_ingestion(tmp_path), compiled(tmp_path, load_task("taxi"))
    gate = ingestion["AnomalyGate"]
    assert (parameter(gate, "train_split"), parameter(gate, "eval_split")) == ("span", "")
    assert parameter(ingestion["StatisticsGen"], "exclude_splits") == '["train", "eval"]'
    for node, name in (("AnomalyGate", "contract"), ("AnomalyGate", "tolerated"), ("ImportSchemaGen", "schema_file")):
        assert parameter(ingestion[node], name) == parameter(training[node], name)
    assert producers(gate, "baseline") == ["AcceptedStatisticsResolver"]
    assert producers(gate, "examples") == producers(training["AnomalyGate"], "examples") == ["ExampleGen"]
    assert '"number": 16071' in json.dumps(json_format.MessageToDict(read_label_of(ingestion["ExampleGen"])))


def read_label_of(node: pipeline_pb2.PipelineNode) -> struct_pb2.Struct:
    config = example_gen_pb2.CustomConfig()
    json_format.Parse(str(parameter(node, "custom_config")), config)
    settings = struct_pb2.Struct()
    config.custom_config.Unpack(settings)
    return settings


def test_a_run_over_spans_joins_what_the_resolver_finds_and_compares_with_nothing_before(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a\n1\n")
    config = resolve(RunOptions(data=tmp_path / "data.csv", var=tmp_path), TASK)
    of_spans = SpanInput(pipeline="p", judged_by="j", spans=("2014Q1", "2014Q2"), code_digest="c", min_eval_rows=0)
    nodes = compiled_nodes(dataclasses.replace(config, data=None, csv=None, spans=of_spans))
    assert producers(nodes["ExampleGen"], "spans") == ["SpansResolver"]
    assert producers(nodes["StatisticsGen"], "examples") == ["ExampleGen"]
    assert "AcceptedStatisticsResolver" not in nodes
    assert "baseline" not in nodes["AnomalyGate"].inputs.inputs


def parameter(node: pipeline_pb2.PipelineNode, name: str) -> str | int:
    value = node.parameters.parameters[name].field_value
    return getattr(value, str(value.WhichOneof("value")))


def producers(node: pipeline_pb2.PipelineNode, key: str) -> list[str]:
    """The nodes that an input comes from."""
    return [channel.producer_node_query.id for channel in node.inputs.inputs[key].channels]


def test_without_docker_the_embedded_server_is_all(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a\n1\n")
    config = resolve(RunOptions(data=tmp_path / "data.csv", var=tmp_path), TASK)
    nodes = compiled_nodes(dataclasses.replace(config, time_limit=77))
    assert "InfraValidator" not in nodes
    gate = nodes["SkewGate"]
    assert "infra_validation" not in gate.inputs.inputs
    assert parameter(gate, "time_limit") == 77


def test_the_warmup_requests_have_the_batch_sizes_that_are_deployed(tmp_path: Path) -> None:
    text = (DEPLOY / "model_server" / "batching.config").read_text()
    allowed = [int(line.split()[1]) for line in text.splitlines() if line.startswith("allowed_batch_sizes:")]
    assert len(allowed) > 1
    sizes = json.loads(str(parameter(compiled(tmp_path)["SkewGate"], "warmup_batch_sizes")))
    assert sizes == sorted({1, *allowed})


def test_with_docker_tensorflow_serving_must_serve_the_model_too(tmp_path: Path) -> None:
    nodes = compiled(tmp_path, infra="docker")
    validator = nodes["InfraValidator"]
    assert {key: producers(validator, key) for key in validator.inputs.inputs} == {
        "model": ["Trainer"],
        "examples": ["ExampleGen"],
    }
    serving = json_format.Parse(str(parameter(validator, "serving_spec")), infra_validator_pb2.ServingSpec())
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["model-server"]["image"]
    assert [f"${{SERVING_IMAGE:-tensorflow/serving:{tag}}}" for tag in serving.tensorflow_serving.tags] == [compose]
    assert serving.WhichOneof("serving_platform") == "local_docker"
    requests = json_format.Parse(str(parameter(validator, "request_spec")), infra_validator_pb2.RequestSpec())
    assert list(requests.tensorflow_serving.signature_names) == ["serving_default"]
    assert (requests.split_name, requests.num_examples) == ("eval", 10)
    # SkewGate blesses only what InfraValidator blessed, and Pusher only what SkewGate blessed.
    assert producers(nodes["SkewGate"], "infra_validation") == ["InfraValidator"]
    assert producers(nodes["Pusher"], "infra_blessing") == ["SkewGate"]


def test_a_task_without_hyperparameters_has_no_node_for_them(tmp_path: Path) -> None:
    nodes = compiled(tmp_path)
    assert {"Tuner", "ImportHyperparameters"}.isdisjoint(nodes)
    assert "hyperparameters" not in nodes["Trainer"].inputs.inputs


@pytest.fixture
def tunable(tmp_path: Path) -> Task:
    file = tmp_path / "hyperparameters.toml"
    values = dataclasses.asdict(quick.COMMITTED)
    file.write_text("\n".join(f"{name} = {json.dumps(value)}" for name, value in values.items()))
    return dataclasses.replace(TASK, hyperparameters=file, tuning=quick.TUNING)


def test_committed_hyperparameters_are_imported(tmp_path: Path, tunable: Task) -> None:
    nodes = compiled(tmp_path, tunable)
    assert "Tuner" not in nodes
    assert producers(nodes["Trainer"], "hyperparameters") == ["ImportHyperparameters"]
    assert parameter(nodes["ImportHyperparameters"], "artifact_uri") == str(hyperparameters_copy(tunable, tmp_path))
    assert parameter(nodes["ImportHyperparameters"], "reimport") == 0
    forced = compiled(tmp_path, tunable, force=True)
    assert parameter(forced["ImportHyperparameters"], "reimport") == 1


def test_a_search_takes_their_place_and_never_sees_the_eval_split(tmp_path: Path, tunable: Task) -> None:
    nodes = compiled(tmp_path, tunable, tune=True, budget=TunerConfig(trials=3))
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
        tuner = compiled(tmp_path, tunable, tune=True, budget=budget)["Tuner"]
        return json.loads(str(parameter(tuner, "custom_config")))

    first = key(TunerConfig(trials=3))
    assert first["committed"] == dataclasses.asdict(quick.COMMITTED)
    assert first["code_digest"] == source_digest(search, quick.train)
    assert key(TunerConfig(trials=4)) == {**first, "budget": {"trials": 4, "minutes": 10.0}}
    assert tunable.hyperparameters is not None
    tunable.hyperparameters.write_text(tunable.hyperparameters.read_text().replace("seed = 5", "seed = 6"))
    assert key(TunerConfig(trials=3)) == {**first, "committed": {**first["committed"], "seed": 6}}


def test_a_search_where_there_is_nothing_to_search(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^task diabetes does not say what to search: expected Task"):
        compiled(tmp_path, tune=True)


def test_ids_are_those_that_runs_and_reports_look_for(tmp_path: Path, tunable: Task) -> None:
    everything = compiled(tmp_path, tunable, infra="docker", trainer=TrainerOptions(warm_start=True))
    everything |= compiled(tmp_path, tunable, tune=True)
    everything |= compiled(tmp_path, COMPARED)
    config = resolve(RunOptions(data=tmp_path / "data.csv", var=tmp_path), tunable)
    of_spans = SpanInput(pipeline="p", judged_by="j", spans=("2014Q1",), code_digest="c", min_eval_rows=0)
    everything |= compiled_nodes(dataclasses.replace(config, data=None, csv=None, spans=of_spans))
    everything |= compiled_ingestion(tmp_path)
    ids = {value for name, value in vars(node_ids).items() if name.isupper() and isinstance(value, str)}
    assert set(everything) == ids - {node_ids.TRAIN, node_ids.EVAL}


def test_a_comparison_is_with_what_was_pushed_to_the_same_folder(tmp_path: Path) -> None:
    nodes = compiled(tmp_path, COMPARED, push_to=tmp_path / "elsewhere")
    assert str(tmp_path / "elsewhere" / "diabetes") in str(nodes["BlessedModelResolver"])
    assert producers(nodes["Pusher"], "comparison") == ["BetterGate"]


def test_an_experiment_has_every_gate_and_no_push(tmp_path: Path) -> None:
    nodes = set(compiled(tmp_path, COMPARED))
    assert set(compiled(tmp_path, COMPARED, experiment="night")) == nodes - {"Pusher"}


def test_that_ties_are_pushed_is_told_to_the_pusher_alone(tmp_path: Path) -> None:
    plain, told = (compiled(tmp_path, COMPARED, push_ties=ties) for ties in (False, True))
    assert [name for name in plain if plain[name].parameters != told[name].parameters] == ["Pusher"]


def test_the_key_that_signs_is_told_to_the_pusher_alone(tmp_path: Path) -> None:
    """Another key is another entry of the cache: else a push without a signature would be taken for one with it."""
    write_pair(tmp_path / "signing.pem", tmp_path / "public.pem")
    plain, told = (compiled(tmp_path, COMPARED, sign=sign) for sign in (None, tmp_path / "signing.pem"))
    assert [name for name in plain if plain[name].parameters != told[name].parameters] == ["Pusher"]


def test_transform_keeps_the_names_of_stacked_features_and_nothing_where_there_are_none(tmp_path: Path) -> None:
    def told(task: Task) -> dict[str, Any]:
        return json.loads(str(parameter(compiled(tmp_path, task)["Transform"], "custom_config")))

    plain = told(TASK)
    assert plain.keys() == {"code_digest"}
    stacked = dataclasses.replace(TASK, feature_parts={"numbers": ("age", "bmi")})
    assert told(stacked) == plain | {"feature_parts": {"numbers": ["age", "bmi"]}}


def test_the_wiring_reads_no_file(tmp_path: Path, tunable: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data.csv"
    data.write_text("a\n1\n")
    options = RunOptions(data=data, var=tmp_path, require_review=True, infra="docker")
    config = resolve(options, tunable)
    opened: list[object] = []
    open_file = io.open

    def noticed(file: Any, *arguments: Any, **more: Any) -> Any:
        if str(file).startswith((str(ROOT / "pipelines"), str(ROOT / "serving"), str(ROOT / "tests"), str(tmp_path))):
            opened.append(file)
        return open_file(file, *arguments, **more)

    monkeypatch.setattr(io, "open", noticed)
    monkeypatch.setattr(builtins, "open", noticed)
    assert data.read_text() == "a\n1\n"
    assert opened.pop() == data  # What is read is noticed.
    create_pipeline(config)
    assert opened == []
