"""Measures what a run's vocabularies leave out of its training rows, once Transform has made them."""

import itertools
from collections.abc import Mapping

import tensorflow_transform as tft

from pipelines.modeling.vocabularies import Coverage, measure_coverage
from pipelines.nodes import EXAMPLE_GEN, TRAIN, TRANSFORM
from pipelines.runner.results import NodeResult
from pipelines.task_definition.task import Task


def measure_vocabularies(results: Mapping[str, NodeResult], task: Task) -> dict[str, Coverage]:
    """Measure what Transform's vocabularies leave out of the training rows.

    Raises:
        VocabularyError: The task names one that there is not.
    """
    files = sorted(map(str, (results[EXAMPLE_GEN].uri("examples") / f"Split-{TRAIN}").iterdir()))
    transform = tft.TFTransformOutput(str(results[TRANSFORM].uri("transform_graph")))
    columns = frozenset(itertools.chain.from_iterable(task.feature_parts.values()))
    return measure_coverage(files, task.vocabularies, transform, columns)
