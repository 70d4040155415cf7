"""Describe the nodes of a run for an orchestrator: dependencies, memory, cores, timeouts and retries."""

from collections.abc import Mapping, Sequence

from absl import logging

from pipelines import nodes
from pipelines.metadata_database import find_mysql
from pipelines.options import RunOptions
from pipelines.orchestration.graph_file import Graph, GraphNode
from pipelines.orchestration.options import as_arguments
from pipelines.resolution import resolve
from pipelines.runner.capacity import NODE_BYTES
from pipelines.runner.preparation import compile_run
from pipelines.task_definition.task import load_task

_GIB = 1 << 30
_RETRIES = 2  # of a node that failed or was killed
_SLACK_MINUTES = 10.0  # by which the timeout exceeds a search's budget
# Measured: a process that loads TFX and reads a proto takes 0.8 GiB.
_LIGHT_BYTES = 1 * _GIB
_LIGHT = frozenset({
    nodes.ACCEPTED_STATISTICS_RESOLVER, nodes.ANOMALY_GATE, nodes.BLESSED_MODEL_RESOLVER, nodes.EXAMPLE_VALIDATOR,
    nodes.IMPORT_HYPERPARAMETERS, nodes.IMPORT_SCHEMA_GEN, nodes.PUSHER, nodes.SCHEMA_GEN, nodes.SPANS_RESOLVER,
    nodes.WARM_START_RESOLVER,
})  # fmt: skip
_SERVED_BYTES = _GIB  # two child processes of SkewGate, 0.5 GiB each
_COMPUTES = frozenset({nodes.TRAINER, nodes.TUNER})  # nodes that use every core
_WHAT = {
    nodes.ACCEPTED_STATISTICS_RESOLVER: "finds the statistics of the data that was accepted before",
    nodes.ANOMALY_GATE: "refuses data that breaks the contract or drifts",
    nodes.BETTER_GATE: "compares the model with those pushed before",
    nodes.BLESSED_MODEL_RESOLVER: "finds the models that were pushed last",
    nodes.EVALUATOR: "measures the model on each slice against its thresholds",
    nodes.EXAMPLE_GEN: "reads the rows and splits them",
    nodes.EXAMPLE_VALIDATOR: "lists what in the statistics breaks the contract",
    nodes.IMPORT_HYPERPARAMETERS: "imports the committed hyperparameters",
    nodes.IMPORT_SCHEMA_GEN: "imports the contract",
    nodes.INFRA_VALIDATOR: "has TensorFlow Serving load the model and answer",
    nodes.PUSHER: "pushes the model if every gate passed",
    nodes.SCHEMA_GEN: "proposes a schema from this data",
    nodes.SKEW_GATE: "compares training and serving, row by row",
    nodes.SPANS_RESOLVER: "finds the accepted spans",
    nodes.STATISTICS_GEN: "computes statistics of each split",
    nodes.TRAINER: "trains the model and exports it",
    nodes.TRANSFORM: "computes the features and their graph",
    nodes.TUNER: "searches for hyperparameters",
    nodes.WARM_START_RESOLVER: "finds the model to start from",
}


def describe_graph(options: RunOptions) -> Graph:
    """Return the graph of the run that the options describe.

    Args:
        options: of the run.

    Raises:
        Exception: The options or the task cannot be used; see `resolve`.
    """
    logging.set_verbosity(logging.WARNING)
    config = resolve(options, load_task(options.task))
    compiled = [node.pipeline_node for node in compile_run(config, "graph").nodes]
    minutes = options.job_minutes
    if config.tuner_custom_config is not None and options.budget is not None:
        minutes = max(minutes, options.budget.minutes + _SLACK_MINUTES)
    database = find_mysql(config.metadata)
    upstream = {node.node_info.id: tuple(node.upstream_nodes) for node in compiled}
    return Graph(
        task=config.task.name,
        package=options.task,
        var=str(options.var),
        arguments=(
            "node",
            "--var",
            str(options.var),
            *as_arguments(options),
            *(("--metadata", str(database)) if database else ()),
        ),
        engine=options.engine,
        parallel=database is not None and options.engine == "local",
        pushes_to="" if options.experiment else str(config.serving),
        nodes=[_describe_node(name, upstream, minutes) for name in upstream],
    )


def list_nodes(graph: Graph) -> str:
    """Return the list of nodes for people: a line for each, with what it does and which nodes it waits for."""
    return "".join(
        f"{node.id:<26} {node.what}; after {', '.join(node.upstream) or 'nothing'}\n" for node in graph.nodes
    )


def _describe_node(name: str, upstream: Mapping[str, Sequence[str]], minutes: float) -> GraphNode:
    # NODE_BYTES is the memory of a fork of the runner. A separate process also loads the libraries.
    memory = _LIGHT_BYTES + (0 if name in _LIGHT else NODE_BYTES)
    return GraphNode(
        id=name,
        what=_WHAT[name],
        upstream=upstream[name],
        downstream=tuple(other for other, before in upstream.items() if name in before),
        pushes=name == nodes.PUSHER,
        gate=name in (*nodes.GATES, nodes.BETTER_GATE, nodes.PUSHER),
        memory_bytes=memory + (_SERVED_BYTES if name == nodes.SKEW_GATE else 0),
        cores=0 if name in _COMPUTES else 1,
        timeout_minutes=minutes,
        retries=_RETRIES,
    )
