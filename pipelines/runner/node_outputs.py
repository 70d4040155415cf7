"""Read the state and outputs of a node's execution from ML Metadata, and check that the outputs are unchanged."""

import datetime

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.proto.orchestration import pipeline_pb2

from pipelines.runner.integrity import ArtifactDigests, IntegrityError
from pipelines.runner.results import CACHED, RAN, NodeResult, OutputArtifact

_ENDED_WELL = (metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED)
_RUN, _NODE = "pipeline_run", "node"  # TFX's types of contexts; a node's is named `<pipeline>.<node>`


def is_resolver(node: pipeline_pb2.PipelineNode) -> bool:
    """Tell whether a node is a Resolver, which writes nothing and runs each time."""
    return node.node_info.type.name.endswith(".Resolver")


def read_state(node: pipeline_pb2.PipelineNode, execution: metadata_store_pb2.Execution) -> str:
    """Return how an execution ended: RAN or CACHED.

    Raises:
        RuntimeError: It did not end well.
    """
    if execution.last_known_state == metadata_store_pb2.Execution.COMPLETE:
        return RAN
    if execution.last_known_state == metadata_store_pb2.Execution.CACHED:
        return RAN if is_resolver(node) else CACHED  # A Resolver runs each time; TFX records that as cached.
    state = metadata_store_pb2.Execution.State.Name(execution.last_known_state)
    raise RuntimeError(f"{node.node_info.id} ended in state {state}: its inputs could not be resolved; see the log")


def read_outputs(store: MetadataStore, execution_id: int) -> tuple[OutputArtifact, ...]:
    """Return the artifacts that an execution wrote, took from the cache, or found as a Resolver."""
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


def read_result(
    node: pipeline_pb2.PipelineNode, execution: metadata_store_pb2.Execution, outputs: tuple[OutputArtifact, ...]
) -> NodeResult:
    """Make the result of an execution that ended well, but whose process was killed before it recorded its result."""
    begin, end = (
        datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
        for milliseconds in (execution.create_time_since_epoch, execution.last_update_time_since_epoch)
    )
    return NodeResult(
        node=node.node_info.id,
        state=read_state(node, execution),
        seconds=(end - begin).total_seconds(),
        started=begin,
        outputs=outputs,
    )


def check_integrity(
    store: MetadataStore, ledger: ArtifactDigests, outputs: tuple[OutputArtifact, ...], *, fresh: bool
) -> None:
    """Record the digests of new artifacts; check those of earlier ones, and take a changed one out of the cache.

    Args:
        store: ML Metadata.
        ledger: the digests of the pipeline's artifacts.
        outputs: the artifacts of one execution.
        fresh: whether the execution has just written them; False: they are of an earlier execution.

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
                "truncated or removed; it is out of the cache now, run again to make a new one"
            )


def list_executions(store: MetadataStore, pipeline: str, run_id: str, node: str) -> list[metadata_store_pb2.Execution]:
    """Return the executions of one node in one run, in the order in which they began."""
    contexts = [
        store.get_context_by_type_and_name(_RUN, run_id),
        store.get_context_by_type_and_name(_NODE, f"{pipeline}.{node}"),
    ]
    if any(context is None for context in contexts):
        return []
    of_run, of_node = (
        {execution.id: execution for execution in store.get_executions_by_context(context.id)} for context in contexts
    )
    return [of_run[id] for id in sorted(of_run.keys() & of_node.keys())]


def find_ended_well(executions: list[metadata_store_pb2.Execution]) -> metadata_store_pb2.Execution | None:
    """Return the last execution that ended well, whose outputs later nodes read; None if there is none."""
    return next((one for one in reversed(executions) if one.last_known_state in _ENDED_WELL), None)
