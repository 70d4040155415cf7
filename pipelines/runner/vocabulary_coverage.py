"""Measure how much of the training rows Transform's vocabularies leave out."""

import itertools
from collections.abc import Mapping

import tensorflow_transform as tft

from pipelines.modeling.vocabularies import Coverage, measure_coverage
from pipelines.nodes import EXAMPLE_GEN, TRAIN, TRANSFORM
from pipelines.runner.results import NodeResult
from pipelines.task_definition.task import Task


def measure_vocabularies(results: Mapping[str, NodeResult], task: Task) -> dict[str, Coverage]:
    """Measure how much of the training rows Transform's vocabularies leave out.

    Args:
        results: the results of the run's nodes, by node id.
        task: the task, which names the vocabularies.

    Returns:
        The coverage of each vocabulary of the task, by its name.

    Raises:
        VocabularyError: The task names a vocabulary that Transform did not write.
    """
    files = sorted(map(str, (results[EXAMPLE_GEN].uri("examples") / f"Split-{TRAIN}").iterdir()))
    transform = tft.TFTransformOutput(str(results[TRANSFORM].uri("transform_graph")))
    columns = frozenset(itertools.chain.from_iterable(task.feature_parts.values()))
    return measure_coverage(files, task.vocabularies, transform, columns)
