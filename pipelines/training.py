"""The training pipeline: wiring only, in the order the data flows. It knows no task."""

import json
from collections.abc import Callable
from pathlib import Path

import tensorflow_model_analysis as tfma
from ml_metadata.proto import metadata_store_pb2
from tensorflow_model_analysis.proto import config_pb2

# One by one, not from tfx.components: that package turns a component that cannot be imported into None.
from tfx.components.evaluator.component import Evaluator
from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.components.example_validator.component import ExampleValidator
from tfx.components.infra_validator.component import InfraValidator
from tfx.components.pusher.component import Pusher
from tfx.components.schema_gen.component import SchemaGen
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.components.statistics_gen.component import StatisticsGen
from tfx.components.trainer.component import Trainer
from tfx.components.transform.component import Transform
from tfx.components.tuner.component import Tuner
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec, ExecutorClassSpec
from tfx.dsl.components.common.importer import Importer
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import example_gen_pb2, infra_validator_pb2, pusher_pb2, trainer_pb2
from tfx.types import Channel
from tfx.types.channel import OutputChannel
from tfx.types.standard_artifacts import ExampleStatistics, HyperParameters, InfraBlessing, Model, ModelBlessing

from components.anomaly_gate import component as anomaly_gate
from components.artifacts import DataBlessing
from components.csv_example_gen import csv_files
from components.csv_example_gen import executor as checked_csv
from components.pusher import executor as atomic_pusher
from components.resolvers import LatestAcceptedStatistics, LatestBlessedOtherModel
from components.signatures import SERVING_DEFAULT
from components.skew_gate import component as skew_gate
from components.source_digest import source_digest
from pipelines import deployment
from pipelines.config import DOCKER, ConfigError, PipelineConfig
from pipelines.modeling import trainer_entry
from pipelines.review import state as review
from pipelines.search import tuner_entry

TRAIN, EVAL = "train", "eval"
_INFRA_ROWS = 10  # that InfraValidator asks for; SkewGate asks for all of them


def create_pipeline(config: PipelineConfig) -> Pipeline:
    """Wires every node.

    Raises:
        ConfigError: The task's EvalConfig has no threshold.
    """
    task = config.task
    eval_config = checked_eval_config(task.make_eval_config())

    folder, pattern = csv_files.locate(config.data)
    example_gen = FileBasedExampleGen(
        input_base=folder,
        input_config=example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="single_split", pattern=pattern)]),
        custom_config=checked_csv.column_types(str(task.contract), source_digest(checked_csv)),
        custom_executor_spec=BeamExecutorSpec(checked_csv.Executor),
    ).with_id("ExampleGen")
    import_schema_gen = ImportSchemaGen(schema_file=str(config.contract))
    statistics_gen = StatisticsGen(
        examples=example_gen.outputs["examples"],
        schema=import_schema_gen.outputs["schema"],  # which integers are codes: those are counted, not averaged
    )
    schema_gen = SchemaGen(statistics=statistics_gen.outputs["statistics"], infer_feature_shape=True)
    example_validator = ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=import_schema_gen.outputs["schema"]
    )
    accepted_statistics = Resolver(
        strategy_class=LatestAcceptedStatistics,
        statistics=Channel(type=ExampleStatistics),
        blessing=Channel(type=DataBlessing),
        current=statistics_gen.outputs["statistics"],
    ).with_id("AcceptedStatisticsResolver")
    anomaly_gate_node = anomaly_gate.AnomalyGate(
        statistics=statistics_gen.outputs["statistics"],
        schema=import_schema_gen.outputs["schema"],
        anomalies=example_validator.outputs["anomalies"],
        baseline=accepted_statistics.outputs["statistics"],
        contract=_in_project(task.contract),
        tolerated=json.dumps({name: list(kinds) for name, kinds in sorted(task.tolerated_anomalies.items())}),
        train_split=TRAIN,
        eval_split=EVAL,
        code_digest=source_digest(anomaly_gate),
    )
    transform = Transform(
        examples=example_gen.outputs["examples"],
        schema=import_schema_gen.outputs["schema"],
        preprocessing_fn=dotted_path(task.preprocessing_fn),
        disable_statistics=True,  # of the transformed rows: nothing reads them
        disable_analyzer_cache=True,  # it helps over many spans; for one it only costs
        custom_config={"code_digest": source_digest(task.preprocessing_fn)},
    )
    transform.add_upstream_node(anomaly_gate_node)
    best = _hyperparameters(config, transform)
    warm_start = _latest_blessed_model().with_id("WarmStartResolver") if config.trainer.warm_start else None
    trainer = Trainer(
        run_fn=dotted_path(trainer_entry.run_fn),
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=import_schema_gen.outputs["schema"],
        base_model=warm_start.outputs["model"] if warm_start else None,
        hyperparameters=best.outputs["best_hyperparameters"] if best else None,
        train_args=trainer_pb2.TrainArgs(splits=[TRAIN], num_steps=config.trainer.train_steps),
        eval_args=trainer_pb2.EvalArgs(splits=[EVAL]),
        custom_config=trainer_entry.custom_config(task.run_fn, config.trainer),
    )
    blessed_model = _latest_blessed_model(current=trainer.outputs["model"]).with_id("BlessedModelResolver")
    evaluator = Evaluator(
        examples=example_gen.outputs["examples"],
        example_splits=[EVAL],
        model=trainer.outputs["model"],
        baseline_model=blessed_model.outputs["model"],
        eval_config=eval_config,
        schema=import_schema_gen.outputs["schema"],
    )
    infra_validator = (
        _infra_validator(example_gen.outputs["examples"], trainer.outputs["model"]) if config.infra == DOCKER else None
    )
    skew_gate_node = skew_gate.SkewGate(
        examples=example_gen.outputs["examples"],
        transformed_examples=transform.outputs["transformed_examples"],
        model=trainer.outputs["model"],
        model_run=trainer.outputs["model_run"],
        schema=import_schema_gen.outputs["schema"],
        infra_validation=infra_validator.outputs["blessing"] if infra_validator else None,
        split=EVAL,
        trainer_module=task.run_fn.__module__,
        warmup_batch_sizes=json.dumps(deployment.batch_sizes()),
        time_limit=config.time_limit,
        code_digest=source_digest(skew_gate),
    )
    pusher = Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=skew_gate_node.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(config.serving))
        ),
        custom_config={"code_digest": source_digest(atomic_pusher), **_refusal(config)},
        custom_executor_spec=ExecutorClassSpec(atomic_pusher.Executor),
    )
    return _pipeline(
        config,
        [
            example_gen,
            import_schema_gen,
            statistics_gen,
            schema_gen,
            example_validator,
            accepted_statistics,
            anomaly_gate_node,
            transform,
            *([best] if best else []),
            *([warm_start] if warm_start else []),
            trainer,
            blessed_model,
            evaluator,
            *([infra_validator] if infra_validator else []),
            skew_gate_node,
            pusher,
        ],
    )


def _refusal(config: PipelineConfig) -> dict[str, str]:
    """Why Pusher may not push, where a review is required and none holds; a part of its cache key, and of no other."""
    words = review.refusal(config.task) if config.require_review else None
    return {atomic_pusher.REFUSAL: words} if words else {}


def _hyperparameters(config: PipelineConfig, transform: Transform) -> BaseNode | None:
    """Where Trainer's hyperparameters come from: a search, or the task's file; None where the task has neither."""
    if config.tuner is not None:
        return Tuner(
            tuner_fn=dotted_path(tuner_entry.tuner_fn),
            examples=transform.outputs["transformed_examples"],
            transform_graph=transform.outputs["transform_graph"],
            train_args=trainer_pb2.TrainArgs(splits=[TRAIN], num_steps=config.trainer.train_steps),
            eval_args=trainer_pb2.EvalArgs(splits=[TRAIN]),  # the eval split is for the Evaluator alone
            custom_config=tuner_entry.custom_config(config.task, config.trainer, config.tuner),
        )
    if config.hyperparameters is not None:
        return Importer(
            source_uri=str(config.hyperparameters),
            artifact_type=HyperParameters,
            output_key="best_hyperparameters",  # as Tuner's is called
            reimport=not config.cache,
        ).with_id("ImportHyperparameters")
    return None


def _latest_blessed_model(**current: OutputChannel) -> Resolver:
    """Finds the model that both gates blessed last, other than the `current` one if there is one."""
    return Resolver(
        strategy_class=LatestBlessedOtherModel,
        model=Channel(type=Model),
        model_blessing=Channel(type=ModelBlessing),
        infra_blessing=Channel(type=InfraBlessing),
        **current,
    )


def _infra_validator(examples: OutputChannel, model: OutputChannel) -> InfraValidator:
    """TFX's own: starts the image that is deployed on the model, and asks it for a few rows."""
    return InfraValidator(
        model=model,
        examples=examples,
        serving_spec=infra_validator_pb2.ServingSpec(
            tensorflow_serving=infra_validator_pb2.TensorFlowServing(tags=[deployment.tensorflow_serving_tag()]),
            local_docker=infra_validator_pb2.LocalDockerConfig(),
        ),
        request_spec=infra_validator_pb2.RequestSpec(
            tensorflow_serving=infra_validator_pb2.TensorFlowServingRequestSpec(signature_names=[SERVING_DEFAULT]),
            split_name=EVAL,
            num_examples=_INFRA_ROWS,
        ),
    )


def checked_eval_config(eval_config: config_pb2.EvalConfig) -> config_pb2.EvalConfig:
    """Returns the config if it can refuse a model.

    Raises:
        ConfigError: It has no threshold: the Evaluator would give no blessing at all, and say nothing.
    """
    if not tfma.metrics.metric_thresholds_from_metrics_specs(eval_config.metrics_specs, eval_config=eval_config):
        raise ConfigError(
            "the EvalConfig has no threshold, so no model could ever be blessed: expected at least one value "
            "threshold, received none; add one in the task's evaluation.py."
        )
    return eval_config


def _in_project(path: Path) -> str:
    """A path as people of this project name it, for messages."""
    project = Path(__file__).resolve().parents[1]
    return str(path.relative_to(project)) if path.is_relative_to(project) else str(path)


def dotted_path(function: Callable[..., object]) -> str:
    """The name by which TFX imports a function."""
    return f"{function.__module__}.{function.__qualname__}"


def _pipeline(config: PipelineConfig, nodes: list[BaseNode]) -> Pipeline:
    connection: metadata_store_pb2.ConnectionConfig = sqlite_metadata_connection_config(str(config.metadata))
    return Pipeline(
        pipeline_name=config.task.name,
        pipeline_root=str(config.artifacts),
        components=nodes,
        enable_cache=config.cache,
        metadata_connection_config=connection,
        beam_pipeline_args=list(config.beam_args),
    )
