"""Run the nodes of a pipeline on this machine, several at the same time if they do not depend on each other.

TFX's LocalDagRunner runs them one after the other. It neither reports which nodes came from the cache nor checks that
their artifacts are unchanged.
"""

from collections.abc import Callable, Generator

from tfx.dsl.compiler import compiler, constants
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable import runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from components.experiments import EXPERIMENT_CONTEXT
from pipelines.runner.integrity import ArtifactDigests
from pipelines.runner.node_process import kill_all, wait_for_any
from pipelines.runner.node_run import NodeRun
from pipelines.runner.results import FAILED, SKIPPED, NodeResult
from serving.process_control import raise_if_interrupted


def run_nodes(
    compiled: pipeline_pb2.Pipeline,
    ledger: ArtifactDigests,
    on_start: Callable[[str], None] = lambda node: None,
    *,
    at_once: int = 1,
    on_fork: Callable[[str], None] = lambda node: None,
) -> Generator[NodeResult, None, None]:
    """Run each node after its upstream nodes.

    After a failure no further node starts: the nodes that are running end, and the rest is SKIPPED.

    Args:
        compiled: the result of compile_pipeline.
        ledger: digests of the artifacts; a cached artifact that changed fails its node.
        on_start: called with a node's id before it runs.
        at_once: how many nodes run at the same time, at most. From 2 on each executor runs in a fork of this process,
            which then must not have computed with TensorFlow (`node_process.has_computed`). With 1 they run in this
            process, in topological order.
        on_fork: called with a node's id when its executor runs in a fork, so it did not come from the cache.

    Yields:
        The result of each node when it ends; last, those of the skipped nodes.

    Raises:
        KeyboardInterrupt: Ctrl-C; no node runs any more. The caller has to clear the interrupted executions.
    """
    waiting = {node.pipeline_node.node_info.id: node.pipeline_node for node in compiled.nodes}
    running: list[NodeRun] = []
    failed = False
    try:
        while True:
            name = None if failed or len(running) == at_once else _find_ready(waiting, running)
            if name is not None:
                on_start(name)
                run = NodeRun(compiled, waiting.pop(name), ledger)
                running.append(run)
                result = run.start(forks=at_once > 1)
                if run.fork is not None:
                    on_fork(name)
            elif running:
                result = _finish_first(running)
            else:
                break
            raise_if_interrupted()  # After Ctrl-C the node may have ended well, or with an error that Ctrl-C caused.
            if result is not None:
                running = [run for run in running if run.name != result.node]
                failed = failed or result.state == FAILED
                yield result
    finally:
        kill_all([run.fork for run in running if run.fork is not None])
    for name in waiting:
        yield NodeResult(node=name, state=SKIPPED, seconds=0.0)


def compile_pipeline(pipeline: Pipeline, run_id: str) -> pipeline_pb2.Pipeline:
    """Compile the pipeline into TFX's intermediate representation, for one run with this id in ML Metadata."""
    compiled = compiler.Compiler().compile(pipeline)
    runtime_parameter_utils.substitute_runtime_parameter(compiled, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
    return compiled


def join_experiment(compiled: pipeline_pb2.Pipeline, name: str) -> None:
    """Add an experiment's context to every node of a compiled pipeline; no cache key depends on it."""
    for node in compiled.nodes:
        context = node.pipeline_node.contexts.contexts.add()
        context.type.name = EXPERIMENT_CONTEXT
        context.name.field_value.string_value = name


def _find_ready(waiting: dict[str, pipeline_pb2.PipelineNode], running: list[NodeRun]) -> str | None:
    """Return the first node whose upstream nodes have all ended; None if there is none."""
    unfinished = {*waiting, *(run.name for run in running)}
    return next((name for name, node in waiting.items() if unfinished.isdisjoint(node.upstream_nodes)), None)


def _finish_first(running: list[NodeRun]) -> NodeResult:
    """Wait until a node ends, and return its result."""
    forks = [run.fork for run in running if run.fork is not None]
    first = wait_for_any(forks)
    return next(run for run in running if run.fork is first).finish()
