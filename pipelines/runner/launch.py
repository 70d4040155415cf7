"""Runs the nodes of a pipeline on this machine, one after the other, and tells what becomes of each.

TFX's LocalDagRunner does the same in silence: it neither says which nodes came from the cache nor stops to look.
"""

import random
import time
from collections.abc import Callable, Iterator

from absl import logging
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from pipelines.runner.integrity import ArtifactDigests, IntegrityError
from pipelines.runner.results import CACHED, FAILED, RAN, SKIPPED, NodeResult, OutputArtifact
from serving.process_control import raise_if_interrupted

_SEED = 0


def run_nodes(
    compiled: pipeline_pb2.Pipeline, ledger: ArtifactDigests, on_start: Callable[[str], None] = lambda node: None
) -> Iterator[NodeResult]:
    """Runs each node in topological order and yields its result; after a failure the rest is SKIPPED.

    Args:
        compiled: what compile_pipeline gives.
        ledger: digests of the artifacts; a cached artifact that changed fails its node.
        on_start: called with a node's id before it runs.

    Raises:
        KeyboardInterrupt: Ctrl-C; the caller clears what was interrupted.
    """
    failed = False
    for node in compiled.nodes:
        name = node.pipeline_node.node_info.id
        if failed:
            yield NodeResult(node=name, state=SKIPPED, seconds=0.0)
            continue
        on_start(name)
        result = _run_node(compiled, node.pipeline_node, ledger)
        raise_if_interrupted()  # The node ended all the same, well or with an error that Ctrl-C is the cause of.
        failed = result.state == FAILED
        yield result


def compile_pipeline(pipeline: Pipeline, run_id: str) -> pipeline_pb2.Pipeline:
    """TFX's intermediate representation of the pipeline, for one run, whose id it gets in ML Metadata."""
    compiled = compiler.Compiler().compile(pipeline)
    runtime_parameter_utils.substitute_runtime_parameter(compiled, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
    return compiled


def _run_node(compiled: pipeline_pb2.Pipeline, node: pipeline_pb2.PipelineNode, ledger: ArtifactDigests) -> NodeResult:
    name = node.node_info.id
    deployment = runner_utils.extract_local_deployment_config(compiled)
    connection = deployment.metadata_connection_config
    connection = getattr(connection, connection.WhichOneof("connection_config"))
    # Beam shuffles, such as the files of a source, with Python's own generator.
    random.seed(_SEED)
    begin = time.monotonic()
    try:
        info = launcher.Launcher(
            pipeline_node=node,
            mlmd_connection=metadata.Metadata(connection),
            pipeline_info=compiled.pipeline_info,
            pipeline_runtime_spec=compiled.runtime_spec,
            executor_spec=runner_utils.extract_executor_spec(deployment, name),
            custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, name),
        ).launch()
        store = MetadataStore(connection)
        (execution,) = store.get_executions_by_id([info.execution_id])
        outputs = _read_outputs(store, execution.id)
        state = _read_state(node, execution)
        _check_integrity(store, ledger, outputs, fresh=state == RAN and not _is_resolver(node))
    except Exception as error:  # Whatever a node raises is its result; the caller shows it and the log has it.
        logging.exception("Node %s failed.", name)
        return NodeResult(node=name, state=FAILED, seconds=time.monotonic() - begin, error=error)
    return NodeResult(node=name, state=state, seconds=time.monotonic() - begin, outputs=outputs)


def _is_resolver(node: pipeline_pb2.PipelineNode) -> bool:
    return node.node_info.type.name.endswith(".Resolver")


def _read_state(node: pipeline_pb2.PipelineNode, execution: metadata_store_pb2.Execution) -> str:
    if execution.last_known_state == metadata_store_pb2.Execution.COMPLETE:
        return RAN
    if execution.last_known_state == metadata_store_pb2.Execution.CACHED:
        return RAN if _is_resolver(node) else CACHED  # A resolver looks anew each time; TFX records that as cached.
    state = metadata_store_pb2.Execution.State.Name(execution.last_known_state)
    raise RuntimeError(f"{node.node_info.id} ended in state {state}: its inputs could not be resolved; see the log")


def _read_outputs(store: MetadataStore, execution_id: int) -> tuple[OutputArtifact, ...]:
    events = [
        event
        for event in store.get_events_by_execution_ids([execution_id])
        if event.type in (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.INTERNAL_OUTPUT)
    ]
    artifacts = {artifact.id: artifact for artifact in store.get_artifacts_by_id([e.artifact_id for e in events])}
    return tuple(
        OutputArtifact(
            key=event.path.steps[0].key,
            type_name=artifacts[event.artifact_id].type,
            uri=artifacts[event.artifact_id].uri,
            properties={
                name: value.int_value if value.HasField("int_value") else value.string_value
                for name, value in artifacts[event.artifact_id].custom_properties.items()
                if value.HasField("int_value") or value.HasField("string_value")
            },
        )
        for event in events
    )


def _check_integrity(
    store: MetadataStore, ledger: ArtifactDigests, outputs: tuple[OutputArtifact, ...], *, fresh: bool
) -> None:
    """Records what was just written; checks what was taken from an earlier run, and takes it out of use if it changed.

    Raises:
        IntegrityError: An artifact is not what its node wrote.
    """
    for output in outputs:
        if fresh:
            ledger.record(output.uri)
        elif not ledger.intact(output.uri):
            changed = store.get_artifacts_by_uri(output.uri)
            for artifact in changed:
                artifact.state = metadata_store_pb2.Artifact.DELETED
            store.put_artifacts(changed)
            raise IntegrityError(
                f"the stored {output.type_name} at {output.uri} is not what was written there: a file was changed, "
                "truncated or removed; it is out of use now, run again to make it anew"
            )
