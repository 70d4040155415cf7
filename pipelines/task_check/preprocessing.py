"""Check a task's preprocessing_fn against its contract: names, types, and what requests hold."""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipelines.modeling.export import FeatureSpec, feature_spec
from pipelines.task_check.raw_columns import PreprocessingError, RawColumns, name_readers
from pipelines.task_check.traced_graph import TracedGraph, trace
from pipelines.task_definition.task import Task
from serving.contract import SERVING_ENVIRONMENT

# The types that Transform writes, and for other types the one to cast to.
_WRITTEN = (tf.float32, tf.int64, tf.string)
_CAST_TO = {tf.float64: "float32", tf.float16: "float32", tf.bfloat16: "float32"}
_PROJECT = Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckedPreprocessing:
    """A preprocessing_fn in which no mistake was found."""

    outputs: Mapping[str, tf.TensorSpec]  # by name, including the label
    columns: frozenset[str]  # raw columns that it reads

    @property
    def features(self) -> int:
        """The number of features, counted as in a run: a stacked output has one for each of its columns."""
        return sum(math.prod(size or 1 for size in _sizes(output)) for output in self.outputs.values())


def check_preprocessing(task: Task) -> CheckedPreprocessing:
    """Trace a task's preprocessing_fn over its contract, and find mistakes that a run would show only later.

    Returns:
        The outputs, and the raw columns that they depend on.

    Raises:
        PreprocessingError: It reads a column that the contract lacks, uses text as a number, returns a type that
            Transform does not write, returns no label, or a feature needs a column that requests lack. The message has
            all mistakes.
    """
    schema = text_format.Parse(task.contract.read_text(), schema_pb2.Schema())
    spec = feature_spec(schema)
    graph = trace(task, spec, lambda columns: RawColumns(columns, lambda name: _readers(task, name), _contract(task)))
    mistakes = [
        *_text_as_number(task, graph),
        *_unwritable(graph),
        *_no_label(task, graph),
        *_not_in_requests(task, graph, schema, spec),
    ]
    if mistakes:
        raise PreprocessingError("\n".join(mistakes))
    return CheckedPreprocessing(
        outputs={name: tf.TensorSpec(output.shape, output.dtype, name) for name, output in graph.outputs.items()},
        columns=frozenset().union(*(graph.columns_of(name) for name in graph.outputs)),
    )


def _sizes(output: tf.TensorSpec) -> list[int | None]:
    """Return the sizes of an output without that of the batch; None if one is unknown."""
    return [] if output.shape.rank is None else output.shape.as_list()[1:]


def _text_as_number(task: Task, graph: TracedGraph) -> Iterator[str]:
    for cast, place in graph.casts_of_text.items():
        outputs = [name for name in graph.outputs if cast in graph.casts_behind(name)]
        for column in sorted(graph.columns[cast]):
            readers = _blame(task, outputs, column)
            who = f"{'features' if len(readers) > 1 else 'feature'} {', '.join(readers)}: " if readers else ""
            yield (
                f"{who}raw column {column!r} is used as a number{place}, and {_contract(task)} says that it is text. "
                "Use it as a category, or read numbers from it with tf.strings.to_number."
            )


def _unwritable(graph: TracedGraph) -> Iterator[str]:
    for name, output in graph.outputs.items():
        if output.dtype not in _WRITTEN:
            wanted = _CAST_TO.get(output.dtype, "int64")
            yield (
                f"feature {name}: expected float32, int64 or string of preprocessing_fn, received {output.dtype.name}; "
                f"cast it there: tf.cast(…, tf.{wanted})"
            )


def _no_label(task: Task, graph: TracedGraph) -> Iterator[str]:
    if task.label not in graph.outputs:
        yield (
            f"preprocessing_fn gives no label {task.label!r}: expected it among what it returns, received "
            f"{', '.join(sorted(graph.outputs))}"
        )


def _not_in_requests(task: Task, graph: TracedGraph, schema: schema_pb2.Schema, spec: FeatureSpec) -> Iterator[str]:
    """Yield the features that depend on a column that requests lack.

    Only features in the task's `feature_columns` are checked, because other outputs may be only for training.

    Yields:
        One message for each such column.
    """
    absent = spec.keys() - feature_spec(schema, SERVING_ENVIRONMENT).keys()
    named = [name for name in graph.outputs if name != task.label and _declared(task, name)]
    for column in sorted(absent):
        dependent = [name for name in named if column in graph.columns_of(name)]
        if dependent:
            yield (
                f"{name_readers(_blame(task, dependent, column))} raw column {column!r}, which is not available in "
                f"{SERVING_ENVIRONMENT}: {_contract(task)} says so (not_in_environment). It is not known "
                "yet when the model predicts. Compute the feature from other columns; only the label may use this one."
            )


def _blame(task: Task, outputs: Iterable[str], column: str) -> list[str]:
    """Return the features whose declared columns include the column, or else the outputs themselves.

    Features that share an operation all depend on what one of them reads, so the graph alone does not tell which.

    Args:
        task: the task of the features.
        outputs: outputs that depend on the column.
        column: the raw column.
    """
    outputs = list(outputs)
    named = [
        feature for name in outputs for feature in _declared(task, name) if column in task.feature_columns[feature]
    ]
    return named or outputs


def _declared(task: Task, output: str) -> list[str]:
    """Return the features of an output for which the task names columns: its parts, or the output itself."""
    return [feature for feature in task.feature_parts.get(output, (output,)) if feature in task.feature_columns]


def _readers(task: Task, column: str) -> str:
    return name_readers(name for name, columns in task.feature_columns.items() if column in columns)


def _contract(task: Task) -> str:
    path = task.contract.resolve()
    return f"the contract ({path.relative_to(_PROJECT) if path.is_relative_to(_PROJECT) else path})"
