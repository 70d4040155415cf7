"""A task's preprocessing_fn against its contract: names, types, and what a request will have."""

import dataclasses
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

# What Transform writes; for each other type the one to cast to.
_WRITTEN = (tf.float32, tf.int64, tf.string)
_CAST_TO = {tf.float64: "float32", tf.float16: "float32", tf.bfloat16: "float32"}
_PROJECT = Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckedPreprocessing:
    """What was found in order."""

    outputs: Mapping[str, tf.TensorSpec]  # by name, the label among them
    columns: frozenset[str]  # raw, that it reads


def check_preprocessing(task: Task) -> CheckedPreprocessing:
    """Trace a task's preprocessing_fn over its contract, and look for what would only fail later.

    Raises:
        PreprocessingError: It reads a column that the contract does not have, uses text as a number, gives a type that
            Transform does not write, gives no label, or a feature needs what requests will not have. All that is found
            is told at once.
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
    """Tell of features that need a column without which a request comes.

    Only of features that the task names in `feature_columns`: any other output may be for training alone.
    """
    absent = spec.keys() - feature_spec(schema, SERVING_ENVIRONMENT).keys()
    named = [name for name in graph.outputs if name != task.label and _declared(task, name)]
    for column in sorted(absent):
        hanging = [name for name in named if column in graph.columns_of(name)]
        if hanging:
            yield (
                f"{name_readers(_blame(task, hanging, column))} raw column {column!r}, which is not available in "
                f"{SERVING_ENVIRONMENT}: {_contract(task)} says so (not_in_environment). When the model is asked, "
                "nobody knows it yet. Compute the feature of other columns; only the label may use this one."
            )


def _blame(task: Task, outputs: Iterable[str], column: str) -> list[str]:
    """Return the features that name the column; where none does, the outputs themselves.

    Features that share an operation all hang on what one of them reads.
    """
    outputs = list(outputs)
    named = [
        feature for name in outputs for feature in _declared(task, name) if column in task.feature_columns[feature]
    ]
    return named or outputs


def _declared(task: Task, output: str) -> list[str]:
    """Return the features of an output whose columns the task names: its parts, or itself."""
    return [feature for feature in task.feature_parts.get(output, (output,)) if feature in task.feature_columns]


def _readers(task: Task, column: str) -> str:
    return name_readers(name for name, columns in task.feature_columns.items() if column in columns)


def _contract(task: Task) -> str:
    path = task.contract.resolve()
    return f"the contract ({path.relative_to(_PROJECT) if path.is_relative_to(_PROJECT) else path})"
