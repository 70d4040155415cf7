"""Spell any string as a line of a vocabulary's file, read vocabularies, and measure which strings they leave out.

A vocabulary is a file with one string per line, and the exported model reads the same file. TFT leaves out the empty
string and strings with a line break, which would all get the id of unseen strings. Therefore the graph applies
`as_lines` before the vocabulary is made and before each look-up.
"""

import dataclasses
import re
from collections.abc import Collection, Mapping, Sequence

import pandas as pd
import tensorflow as tf
import tensorflow_transform as tft

from components.tfrecords import read_chunks

SHARED_VOCABULARY = "shared_vocabulary"  # of many columns; pipelines.modeling.shared_vocabulary makes it
_ESCAPED = re.compile(rb"\\([\\nre])")
_UNESCAPED = {b"\\": b"\\", b"n": b"\n", b"r": b"\r", b"e": b""}


class VocabularyError(ValueError):
    """The task names a vocabulary or a column that does not exist."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Coverage:
    """How much of the rows that a vocabulary was made from it holds."""

    column: str  # raw column of strings
    known: int  # different strings with their own id
    left_out: int  # different strings that get the id of unseen strings
    left_out_share: float  # share of the rows with such a string, 0 to 1


def as_lines(strings: tf.Tensor | tf.SparseTensor) -> tf.Tensor | tf.SparseTensor:
    r"""Spell each string so that it fits on one line; different strings stay different, and most are unchanged.

    A backslash becomes two, a line feed `\n`, a carriage return `\r`, and the empty string `\e`.

    Args:
        strings: string, of any shape.

    Returns:
        The same kind and shape.
    """
    if isinstance(strings, tf.SparseTensor):
        return strings.with_values(as_lines(strings.values))
    for pattern, rewrite in ((r"\\", r"\\\\"), ("\n", r"\\n"), ("\r", r"\\r"), ("^$", r"\\e")):
        strings = tf.strings.regex_replace(strings, pattern, rewrite)
    return strings


def line_prefix(name: str) -> bytes:
    """Return the prefix of a column's lines in the shared vocabulary.

    Raises:
        VocabularyError: The name is empty, or has an equals sign or a line break.

    Example:
        >>> line_prefix("company")
        b'company='
    """
    if not name or set(name) & set("=\n\r"):
        raise VocabularyError(
            f"a column of the shared vocabulary is called {name!r}: expected a name without an equals sign or a line "
            "break; rename the feature"
        )
    return f"{name}=".encode()


def read_vocabulary(transform: tft.TFTransformOutput, name: str, columns: Collection[str] = ()) -> list[bytes]:
    """Return the strings of a vocabulary that was made with `as_lines`, the most frequent first.

    Args:
        transform: holds the vocabulary.
        name: of a vocabulary, or of a column of the shared vocabulary.
        columns: columns that may have no string in the shared vocabulary, because all are missing or rare.

    Raises:
        VocabularyError: There is no such vocabulary or column.
    """
    return _read_vocabularies(transform, [name], columns)[name]


def _read_vocabularies(
    transform: tft.TFTransformOutput, names: Collection[str], columns: Collection[str]
) -> dict[str, list[bytes]]:
    """Return several vocabularies by name, and read the shared one only once; see read_vocabulary."""
    own = {name for name in names if transform.vocabulary_file_by_name(name) is not None}
    shared = _read_shared(transform) if own < {*names} else None
    vocabularies = {}
    for name in names:
        if name in own:
            lines = transform.vocabulary_by_name(name)
        elif shared is not None and (name in columns or line_prefix(name) in shared):
            lines = shared.get(line_prefix(name), [])
        else:
            raise VocabularyError(
                f"preprocessing_fn makes no vocabulary {name!r}: expected one, since the task's `vocabularies` names "
                "it; give it as vocab_filename, or correct `vocabularies`. A column of a shared vocabulary that may "
                "have no text belongs in the task's `feature_parts`"
            )
        vocabularies[name] = [_ESCAPED.sub(lambda found: _UNESCAPED[found[1]], line) for line in lines]
    return vocabularies


def _read_shared(transform: tft.TFTransformOutput) -> dict[bytes, list[bytes]] | None:
    """Return the escaped strings of the shared vocabulary by line_prefix; None if there is no shared vocabulary."""
    if transform.vocabulary_file_by_name(SHARED_VOCABULARY) is None:
        return None
    strings: dict[bytes, list[bytes]] = {}
    for line in transform.vocabulary_by_name(SHARED_VOCABULARY):
        name, equals, text = line.partition(b"=")  # At the first one, because names have none.
        strings.setdefault(name + equals, []).append(text)
    return strings


def measure_coverage(
    files: Sequence[str],
    vocabularies: Mapping[str, str],
    transform: tft.TFTransformOutput,
    columns: Collection[str] = (),
) -> dict[str, Coverage]:
    """Compare the strings of raw rows with the vocabularies in one pass; missing values do not count.

    Args:
        files: gzipped TFRecords of tf.Examples: the rows that the vocabularies were made from.
        vocabularies: name of a vocabulary that was made with `as_lines` -> raw column.
        transform: holds the vocabularies.
        columns: columns that may have no string in the shared vocabulary.

    Returns:
        The coverage by name of the vocabulary.

    Raises:
        VocabularyError: There is no such vocabulary, or no such column of strings.
    """
    if not vocabularies:
        return {}
    read = _read_vocabularies(transform, vocabularies, columns)
    known = {name: frozenset(strings) for name, strings in read.items()}
    _require_strings(vocabularies, transform)
    spec = {column: tf.io.VarLenFeature(tf.string) for column in vocabularies.values()}
    seen: dict[str, set[bytes]] = {name: set() for name in vocabularies}
    rows, left_out_rows = 0, dict.fromkeys(vocabularies, 0)
    for records in read_chunks(files):
        rows += len(records)
        parsed = tf.io.parse_example(records, spec)
        for name, column in vocabularies.items():
            cells = pd.DataFrame({"row": parsed[column].indices[:, 0].numpy(), "text": parsed[column].values.numpy()})
            seen[name].update(cells["text"])
            has_id = cells["text"].map(known[name].__contains__).astype(bool)
            left_out_rows[name] += cells.loc[~has_id, "row"].nunique()
    return {
        name: Coverage(
            column=column,
            known=len(seen[name] & known[name]),
            left_out=len(seen[name] - known[name]),
            left_out_share=left_out_rows[name] / max(rows, 1),
        )
        for name, column in vocabularies.items()
    }


def _require_strings(vocabularies: Mapping[str, str], transform: tft.TFTransformOutput) -> None:
    columns = {name: spec.dtype.name for name, spec in transform.raw_feature_spec().items()}
    for name, column in vocabularies.items():
        if columns.get(column) != "string":
            raise VocabularyError(
                f"the task's `vocabularies` says that {name} is made of {column!r}: expected a column of strings, "
                f"received {columns.get(column, 'no such column')}; correct `vocabularies`"
            )
