"""Combine the Examples of several spans into one Examples artifact with the splits train and eval.

The train split holds the train rows of all spans. The eval split holds the eval rows of all spans, or of as many of the
newest spans as have `min_eval_rows` together. Each row keeps the split of its span's ingestion.

It is one artifact because StatisticsGen takes only one. Its files are copies of the spans' files.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence

from tfx.components.example_gen.utils import FINGERPRINT_PROPERTY_NAME, SPAN_PROPERTY_NAME, VERSION_PROPERTY_NAME
from tfx.components.util import examples_utils
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts

from components.artifact_files import list_split_files
from components.span_names import SPAN_NAME, SPANS

_TRAIN, _EVAL = "train", "eval"
_ROWS = "rows_"  # followed by a split's name: custom property, the number of its rows
_FLOAT32_ERRORS = "float32_errors"  # custom property of ExampleGen: JSON, FLOAT column -> largest relative error
_FILE_FORMAT = "tfrecords_gzip"


@component
def SpanExamples(
    spans: InputArtifact[list[standard_artifacts.Examples]],
    examples: OutputArtifact[standard_artifacts.Examples],
    min_eval_rows: Parameter[int],
    code_digest: Parameter[str],
) -> None:
    """Combine the rows.

    Args:
        spans: the Examples of each span.
        examples: the output. Its property `span` is that of the newest span, and SPANS lists all of them.
        min_eval_rows: the eval split takes the newest spans until it has so many rows; 0: it takes all spans.
        code_digest: digest of this component's code; part of the cache key.
    """
    ordered = sorted(spans, key=lambda span: int(span.get_int_custom_property(SPAN_PROPERTY_NAME)))
    eval_rows = [int(span.get_int_custom_property(f"{_ROWS}{_EVAL}")) for span in ordered]
    evaluated = ordered[first_evaluated(eval_rows, min_eval_rows) :]
    examples.split_names = artifact_utils.encode_split_names([_TRAIN, _EVAL])
    for split, chosen in ((_TRAIN, ordered), (_EVAL, evaluated)):
        folder = artifact_utils.get_split_uri([examples], split)
        copy_files([file for span in chosen for file in list_split_files(span, split)], folder)
        rows = sum(int(span.get_int_custom_property(f"{_ROWS}{split}")) for span in chosen)
        examples.set_int_custom_property(f"{_ROWS}{split}", rows)
    examples.span = int(ordered[-1].get_int_custom_property(SPAN_PROPERTY_NAME))
    examples.set_int_custom_property(SPAN_PROPERTY_NAME, examples.span)
    examples.set_string_custom_property("split", ordered[-1].get_string_custom_property("split"))
    examples.set_string_custom_property(_FLOAT32_ERRORS, json.dumps(largest_errors(map(_errors, ordered))))
    examples.set_string_custom_property(SPANS, json.dumps([_describe(span, span in evaluated) for span in ordered]))
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(examples, _FILE_FORMAT)


def largest_errors(spans: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the largest relative error by float32 rounding of each FLOAT column over all spans.

    Args:
        spans: for each span, the largest relative error of each column.

    Example:
        >>> largest_errors([{"fare": 1e-8, "miles": 0.0}, {"fare": 3e-8}])
        {'fare': 3e-08, 'miles': 0.0}
    """
    largest: dict[str, float] = {}
    for errors in spans:
        for name, error in errors.items():
            largest[name] = max(error, largest.get(name, 0.0))
    return largest


def first_evaluated(rows: Sequence[int], least: int) -> int:
    """Return the index of the first span of the eval split: from it to the newest, spans have enough eval rows.

    Args:
        rows: number of eval rows of each span, in the order of time.
        least: how many rows are enough; 0: all spans are evaluated on.

    Example:
        >>> first_evaluated([50, 40, 30], least=60), first_evaluated([50, 40, 30], least=0)
        (1, 0)
    """
    place = len(rows) - 1
    while place > 0 and (not least or sum(rows[place:]) < least):
        place -= 1
    return place


def copy_files(files: Sequence[str], folder: str) -> None:
    """Copy files into a folder as the files of one split, in their order; create the folder."""
    fileio.makedirs(folder)
    for number, file in enumerate(files):
        fileio.copy(file, os.path.join(folder, f"data_tfrecord-{number:05d}-of-{len(files):05d}.gz"), overwrite=True)


def _errors(span: standard_artifacts.Examples) -> dict[str, float]:
    return dict(json.loads(span.get_string_custom_property(_FLOAT32_ERRORS)))


def _describe(span: standard_artifacts.Examples, evaluated: bool) -> dict[str, object]:
    return {
        "span": span.get_string_custom_property(SPAN_NAME),
        "version": int(span.get_int_custom_property(VERSION_PROPERTY_NAME)),
        "train": int(span.get_int_custom_property(f"{_ROWS}{_TRAIN}")),
        "eval": int(span.get_int_custom_property(f"{_ROWS}{_EVAL}")) if evaluated else 0,
        "fingerprint": span.get_string_custom_property(FINGERPRINT_PROPERTY_NAME),
    }
