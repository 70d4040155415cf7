"""Wire the training pipeline, in the order in which data flows. This module depends on no task and reads no file."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

# From their modules: tfx.components replaces a component that cannot be imported by None.
from tfx.components.infra_validator.component import InfraValidator
from tfx.components.schema_gen.component import SchemaGen
from tfx.components.trainer.component import Trainer
from tfx.components.tuner.component import Tuner
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.importer import Importer
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import infra_validator_pb2, trainer_pb2
from tfx.types import Channel
from tfx.types.channel import OutputChannel
from tfx.types.standard_artifacts import Examples, HyperParameters

from components.csv_example_gen.component import CheckedExampleGen
from components.keyed_transform.component import KeyedTransform
from components.pusher import executor as atomic_pusher
from components.pusher.component import ComparingPusher
from components.resolvers import AcceptedSpans
from components.signatures import SERVING_DEFAULT
from components.skew_gate.component import SkewGate
from components.span_examples.component import SpanExamples
from components.stacked_features import FEATURE_PARTS
from pipelines import nodes
from pipelines.backend import Backend, local_backend
from pipelines.comparison.component import BetterGate
from pipelines.config import PipelineConfig
from pipelines.data_checks import check_data
from pipelines.evaluation.comparable import without_reasons
from pipelines.evaluation.eval_config import slice_columns
from pipelines.fairness.component import make_evaluator
from pipelines.modeling import trainer_entry
from pipelines.nodes import EVAL, TRAIN
from pipelines.search import tuner_entry

_INFRA_ROWS = 10  # that InfraValidator sends; SkewGate sends all rows of the eval split


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Data:
    """The nodes up to Transform, and their outputs that later nodes read."""

    examples: OutputChannel
    schema: OutputChannel  # the contract
    transformed_examples: OutputChannel
    transform_graph: OutputChannel
    nodes: list[BaseNode]


def create_pipeline(config: PipelineConfig, backend: Backend | None = None) -> Pipeline:
    """Return the training pipeline.

    Args:
        config: the configuration of the run.
        backend: where it runs; None: on this machine.
    """
    backend = backend or local_backend(config)
    data = _data_nodes(config, backend)
    hyperparameters = _hyperparameters(config, backend, data)
    warm_start = _warm_start(config, backend)
    trainer = _trainer(config, data, hyperparameters, warm_start)
    return Pipeline(
        pipeline_name=backend.pipeline_name,
        pipeline_root=backend.pipeline_root,
        components=[*data.nodes, *hyperparameters, *warm_start, trainer, *_gate_nodes(config, backend, data, trainer)],
        enable_cache=config.cache,
        metadata_connection_config=backend.metadata,
        beam_pipeline_args=list(config.engine.beam_args()),
    )


def _data_nodes(config: PipelineConfig, backend: Backend) -> _Data:
    """Wire the nodes from files or spans to transformed rows; Transform waits for AnomalyGate."""
    task = config.task
    source = _source(config, backend)
    examples = source[-1].outputs["examples"]
    checks = check_data(
        task,
        examples,
        backend.contract,
        # Each span was compared with the one before it when it was ingested.
        yardstick=None if config.spans else backend.earlier_runs.accepted_statistics,
        gate_digest=config.digests.anomaly_gate,
    )
    schema_gen = SchemaGen(statistics=checks.statistics, infer_feature_shape=True).with_id(nodes.SCHEMA_GEN)
    transform = KeyedTransform(
        examples=examples,
        schema=checks.schema,
        preprocessing_fn=dotted_path(task.preprocessing_fn),
        disable_statistics=True,  # of the transformed rows: no node reads them
        disable_analyzer_cache=True,  # it saves time with many spans, and costs time with one
        custom_config=_transform_custom_config(config),
    ).with_id(nodes.TRANSFORM)
    transform.add_upstream_node(checks.anomaly_gate)
    # No later run is compared with an experiment's data, nor with spans, which were compared when they were ingested.
    records = not (config.spans or config.experiment)
    record_accepted = backend.earlier_runs.record_accepted(checks.statistics, checks.anomaly_gate) if records else []
    return _Data(
        examples=examples,
        schema=checks.schema,
        transformed_examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        nodes=[
            *source,
            checks.import_schema_gen,
            checks.statistics_gen,
            schema_gen,
            checks.example_validator,
            *checks.accepted_statistics,
            checks.anomaly_gate,
            *record_accepted,
            transform,
        ],
    )


def _source(config: PipelineConfig, backend: Backend) -> list[BaseNode]:
    """Wire the nodes that read the rows, from files or from accepted spans; the last one outputs the examples."""
    if config.spans is None:
        assert config.csv is not None
        reader = CheckedExampleGen(folder=backend.data, pattern=config.csv.pattern, reader=config.csv.reader)
        return [reader.with_id(nodes.EXAMPLE_GEN)]
    resolver = Resolver(
        strategy_class=AcceptedSpans,
        config={
            "pipeline": config.spans.pipeline,
            "judged_by": config.spans.judged_by,
            "spans": list(config.spans.spans),
        },
        examples=Channel(type=Examples),
    ).with_id(nodes.SPANS_RESOLVER)
    gathered = SpanExamples(
        spans=resolver.outputs["examples"],
        min_eval_rows=config.spans.min_eval_rows,
        code_digest=config.spans.code_digest,
    )
    return [resolver, gathered.with_id(nodes.EXAMPLE_GEN)]


def _hyperparameters(config: PipelineConfig, backend: Backend, data: _Data) -> list[BaseNode]:
    """Wire the node of Trainer's hyperparameters: Tuner, or an Importer of the task's file; none if it has neither."""
    if config.tuner_custom_config is not None:
        tuner = Tuner(
            tuner_fn=dotted_path(tuner_entry.tuner_fn),
            examples=data.transformed_examples,
            transform_graph=data.transform_graph,
            train_args=trainer_pb2.TrainArgs(splits=[TRAIN], num_steps=config.trainer.train_steps),
            eval_args=trainer_pb2.EvalArgs(splits=[TRAIN]),  # the eval split is for the Evaluator alone
            custom_config=dict(config.tuner_custom_config),
        )
        return [tuner.with_id(nodes.TUNER)]
    if backend.hyperparameters is not None:
        importer = Importer(
            source_uri=backend.hyperparameters,
            artifact_type=HyperParameters,
            output_key="best_hyperparameters",  # the same as Tuner's
            reimport=not config.cache,
        )
        return [importer.with_id(nodes.IMPORT_HYPERPARAMETERS)]
    return []


def _warm_start(config: PipelineConfig, backend: Backend) -> list[BaseNode]:
    """Return the node that finds the model whose weights Trainer starts from; none without --warm-start."""
    return [backend.earlier_runs.any_pushed_model()] if config.trainer.warm_start else []


def _trainer(
    config: PipelineConfig, data: _Data, hyperparameters: list[BaseNode], warm_start: list[BaseNode]
) -> BaseNode:
    return Trainer(
        run_fn=dotted_path(trainer_entry.run_fn),
        examples=data.transformed_examples,
        transform_graph=data.transform_graph,
        schema=data.schema,
        base_model=_output(warm_start, "model"),
        hyperparameters=_output(hyperparameters, "best_hyperparameters"),
        train_args=trainer_pb2.TrainArgs(splits=[TRAIN], num_steps=config.trainer.train_steps),
        eval_args=trainer_pb2.EvalArgs(splits=[EVAL]),
        custom_config=dict(config.trainer_custom_config),
    ).with_id(nodes.TRAINER)


def _gate_nodes(config: PipelineConfig, backend: Backend, data: _Data, trainer: BaseNode) -> list[BaseNode]:
    """Wire the gates and Pusher: each gate before Pusher can block the push."""
    model = trainer.outputs["model"]
    blessed_model = backend.earlier_runs.pushed_models(model)
    evaluator = make_evaluator(
        fairness=config.fairness,
        examples=data.examples,
        example_splits=[EVAL],
        model=model,
        baseline_model=blessed_model.outputs["model"],
        eval_config=config.eval_config,
        schema=data.schema,
        code_digest=config.digests.evaluator,
    ).with_id(nodes.EVALUATOR)
    infra_validator = _infra_validator(config, data.examples, model)
    skew_gate = SkewGate(
        examples=data.examples,
        transformed_examples=data.transformed_examples,
        model=model,
        model_run=trainer.outputs["model_run"],
        schema=data.schema,
        infra_validation=_output(infra_validator, "blessing"),
        split=EVAL,
        trainer_module=config.task.run_fn.__module__,
        warmup_batch_sizes=json.dumps(config.warmup_batch_sizes),
        feature_parts=json.dumps(dict(config.task.feature_parts)),
        time_limit=config.time_limit,
        code_digest=config.digests.skew_gate,
    ).with_id(nodes.SKEW_GATE)
    better_gate = _better_gate(config, data, model, blessed_model)
    pusher = _pusher(config, backend, model, evaluator, skew_gate, better_gate)
    return [blessed_model, evaluator, *better_gate, *infra_validator, skew_gate, *pusher]


def _infra_validator(config: PipelineConfig, examples: OutputChannel, model: OutputChannel) -> list[BaseNode]:
    """Wire TFX's InfraValidator, which serves the model with the deployed image and sends it a few rows."""
    if config.serving_image_tag is None:
        return []
    validator = InfraValidator(
        model=model,
        examples=examples,
        serving_spec=infra_validator_pb2.ServingSpec(
            tensorflow_serving=infra_validator_pb2.TensorFlowServing(tags=[config.serving_image_tag]),
            local_docker=infra_validator_pb2.LocalDockerConfig(),
        ),
        request_spec=infra_validator_pb2.RequestSpec(
            tensorflow_serving=infra_validator_pb2.TensorFlowServingRequestSpec(signature_names=[SERVING_DEFAULT]),
            split_name=EVAL,
            num_examples=_INFRA_ROWS,
        ),
    )
    return [validator.with_id(nodes.INFRA_VALIDATOR)]


def _better_gate(config: PipelineConfig, data: _Data, model: OutputChannel, pushed_models: BaseNode) -> list[BaseNode]:
    """Wire BetterGate, which compares with the models pushed before; none if the task's scoping has no comparison."""
    if config.task.comparison is None:
        return []
    gate = BetterGate(
        examples=data.examples,
        schema=data.schema,
        model=model,
        baseline=pushed_models.outputs["model"],
        earlier=pushed_models.outputs["earlier"],
        comparisons=pushed_models.outputs["comparisons"],
        split=EVAL,
        label=config.task.label,
        slice_columns=json.dumps(slice_columns(config.eval_config)),
        min_slice_rows=config.task.min_slice_rows,
        agreed=json.dumps(dataclasses.asdict(without_reasons(config.task.comparison)), sort_keys=True),
        code_digest=config.digests.better_gate,
    )
    return [gate.with_id(nodes.BETTER_GATE)]


def _pusher(
    config: PipelineConfig,
    backend: Backend,
    model: OutputChannel,
    evaluator: BaseNode,
    skew_gate: BaseNode,
    better_gate: list[BaseNode],
) -> list[BaseNode]:
    """Wire Pusher, and the nodes that record the push; none for an experiment."""
    if config.experiment is not None:
        return []
    pusher = ComparingPusher(
        model=model,
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=skew_gate.outputs["blessing"],
        comparison=_output(better_gate, "comparison"),
        push_destination=backend.push_destination,
        custom_config=_pusher_custom_config(config),
    ).with_id(nodes.PUSHER)
    return [pusher, *backend.earlier_runs.record_push(pusher, model, _output(better_gate, "comparison"))]


def _output(optional: list[BaseNode], key: str) -> OutputChannel | None:
    """Return an output of a node; None if the pipeline does not have the node."""
    return optional[0].outputs[key] if optional else None


def _transform_custom_config(config: PipelineConfig) -> dict[str, Any]:
    """Return Transform's custom_config: its cache key, and the columns of stacked features, which it only records."""
    digest = {"code_digest": config.digests.transform}
    parts = {name: list(names) for name, names in config.task.feature_parts.items()}
    return digest | {FEATURE_PARTS: parts} if parts else digest


def _pusher_custom_config(config: PipelineConfig) -> dict[str, Any]:
    """Return Pusher's custom_config. Only Pusher's cache key depends on ties, the key and a refusal."""
    settings: dict[str, Any] = {"code_digest": config.digests.pusher}
    if config.push_ties and config.task.comparison is not None:
        settings |= {atomic_pusher.PUSH_TIES: True}
    if config.signing is not None:
        settings |= {atomic_pusher.SIGNING: dict(config.signing)}
    return settings | {atomic_pusher.REFUSAL: config.push_refusal} if config.push_refusal else settings


def dotted_path(function: Callable[..., object]) -> str:
    """Return the dotted path by which TFX imports a function."""
    return f"{function.__module__}.{function.__qualname__}"
