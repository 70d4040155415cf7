"""The rows to train on: what the pipeline's own nodes give, from the cache where nothing changed since the last run."""

import dataclasses

import tensorflow_transform as tft
from rich.console import Console

from pipelines.config import PipelineConfig, TunerConfig
from pipelines.explain import explain
from pipelines.modeling.transformed_rows import read_rows
from pipelines.nodes import TRAIN
from pipelines.options import RunOptions, TaskOptions
from pipelines.resolution import resolve
from pipelines.runner import launch, node_summary
from pipelines.runner.integrity import ArtifactDigests
from pipelines.runner.metadata_cleanup import clear_interrupted_executions
from pipelines.runner.progress import LineProgress
from pipelines.runner.results import NodeResult
from pipelines.search.search import SearchInputs
from pipelines.task_definition.task import Task
from pipelines.training import create_pipeline


class DataNodesError(RuntimeError):
    """A node before the models failed."""


def pipeline_config(task: Task, options: TaskOptions, budget: TunerConfig | None = None) -> PipelineConfig:
    """The config of `run` with the same options, with a search or without.

    Args:
        task: the task.
        options: of the command.
        budget: of the search; None: no search.
    """
    shared = {field.name: getattr(options, field.name) for field in dataclasses.fields(TaskOptions)}
    return resolve(RunOptions(**shared, tune=budget is not None, budget=budget), task)


def run_until(last: str, config: PipelineConfig, run_id: str, console: Console) -> dict[str, NodeResult]:
    """Run the pipeline's nodes up to and with `last`, and returns their results by name.

    Args:
        last: the node to end with.
        config: of the pipeline.
        run_id: its name in ML Metadata.
        console: where a line for each node is shown.

    Raises:
        DataNodesError: A node failed.
        KeyboardInterrupt: Ctrl-C; what the interrupted node had begun to write is gone.
    """
    clear_interrupted_executions(config.metadata, config.var / "artifacts")
    compiled = launch.compile_pipeline(create_pipeline(config), run_id)
    shown = LineProgress(console, [node.pipeline_node.node_info.id for node in compiled.nodes])
    results = dict[str, NodeResult]()
    try:
        for result in launch.run_nodes(compiled, ArtifactDigests(config.artifacts), shown.started):
            results[result.node] = dataclasses.replace(result, summary=node_summary.summarise_node(result, results))
            shown.finished(results[result.node])
            if result.error is not None:
                raise DataNodesError(f"{result.node}: {explain(result.error)}") from result.error
            if result.node == last:
                break
    except KeyboardInterrupt:
        clear_interrupted_executions(config.metadata, config.var / "artifacts")
        raise
    return results


def read_search_inputs(config: PipelineConfig, transform: NodeResult) -> SearchInputs:
    """Read what models are trained on: the training split that Transform wrote.

    Raises:
        TrainingError: There are no rows to train on.
    """
    assert config.task.tuning is not None
    graph = tft.TFTransformOutput(str(transform.uri("transform_graph")))
    files = str(transform.uri("transformed_examples") / f"Split-{TRAIN}" / "*")
    return SearchInputs(
        tuning=config.task.tuning,
        problem=config.task.problem,
        rows=read_rows([files], graph, config.task.label),
        transform=graph,
        settings=config.trainer,
    )
