"""Run the pipeline's nodes that produce the training rows; nodes with unchanged inputs come from the cache."""

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
    """A node before the Trainer failed."""


def pipeline_config(task: Task, options: TaskOptions, budget: TunerConfig | None = None) -> PipelineConfig:
    """Return the config of `run` with the same options, with or without a search.

    Args:
        task: the task.
        options: of the command.
        budget: of the search; None: no search.
    """
    shared = {field.name: getattr(options, field.name) for field in dataclasses.fields(TaskOptions)}
    return resolve(RunOptions(**shared, tune=budget is not None, budget=budget), task)


def run_until(last: str, config: PipelineConfig, run_id: str, console: Console) -> dict[str, NodeResult]:
    """Run the pipeline's nodes up to and including `last`.

    Args:
        last: id of the last node to run.
        config: of the pipeline.
        run_id: name of the run in ML Metadata.
        console: prints a line for each node.

    Returns:
        Result of each node by its id.

    Raises:
        DataNodesError: A node failed.
        KeyboardInterrupt: Ctrl-C. The partial outputs of the interrupted node are removed.
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
    """Return the rows that models are trained on: the train split that Transform wrote.

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
