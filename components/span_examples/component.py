"""SpanExamples gathers the rows of several spans into Examples with the splits train and eval, to train on.

Reads the Examples of each span. Writes Examples: train holds the train rows of all spans; eval holds the eval rows of
all, or of the newest and of so many spans before it as it takes to have `min_eval_rows`. A row keeps the side that it
was given when its span was ingested.

One artifact: StatisticsGen takes no more. Its files are those of the spans.
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
_ROWS = "rows_"  # with a split's name: custom property, how many rows it holds
_FLOAT32_ERRORS = "float32_errors"  # custom property: JSON, as ExampleGen writes it
_FILE_FORMAT = "tfrecords_gzip"


@component
def SpanExamples(
    spans: InputArtifact[list[standard_artifacts.Examples]],
    examples: OutputArtifact[standard_artifacts.Examples],
    min_eval_rows: Parameter[int],
    code_digest: Parameter[str],
) -> None:
    """Gathers the rows.

    Args:
        spans: the Examples of each span.
        examples: where the rows go. Its property `span` is the newest one's, and SPANS lists them all.
        min_eval_rows: rows of eval at least, as far as there are any, of the newest spans; 0: of all spans.
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
    """Returns what float32 took away at most in any span: the relative error by FLOAT column.

    Args:
        spans: the same of each.
    """
    largest: dict[str, float] = {}
    for errors in spans:
        for name, error in errors.items():
            largest[name] = max(error, largest.get(name, 0.0))
    return largest


def first_evaluated(rows: Sequence[int], least: int) -> int:
    """Returns the place of the first span whose eval rows are evaluated on: enough of the newest together.

    Args:
        rows: of eval, by span, in the order of time.
        least: rows that are enough; 0: all spans are evaluated on.
    """
    place = len(rows) - 1
    while place > 0 and (not least or sum(rows[place:]) < least):
        place -= 1
    return place


def copy_files(files: Sequence[str], folder: str) -> None:
    """Copies files into a folder, which is made, as the files of one split, in their order."""
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
