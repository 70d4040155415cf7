"""Make one vocabulary for many columns: a Transform analyzer costs the same for one column and for fifty.

A line of the vocabulary's file is `name=text`, with the text spelled as `as_lines` does. Names have no equals sign, so
equal texts in two columns are two entries.
"""

from collections.abc import Sequence

import tensorflow as tf
import tensorflow_transform as tft

from pipelines.modeling.stacked_columns import StackedColumns
from pipelines.modeling.vocabularies import SHARED_VOCABULARY, as_lines, line_prefix

_IDS_BEFORE = 2  # ids of each column for missing and for unseen texts


def find_shared_ids(texts: StackedColumns, names: Sequence[str], *, min_count: int) -> tf.Tensor:
    """Make the vocabulary SHARED_VOCABULARY, and return the texts as ids.

    No two columns share an id. Column number i, from 0, has id 2 i for missing and 2 i + 1 for unseen texts. With n
    columns, the entry at line k of the vocabulary, from 0, has id 2 n + k; the most frequent entry comes first.

    Args:
        texts: string [batch, n].
        names: of the columns.
        min_count: rows of a column that must have a text for it to become an entry.

    Returns:
        int64 [batch, n], 0 to count_shared_ids(n, entries) - 1.

    Raises:
        VocabularyError: A name has an equals sign or a line break, or occurs twice.
    """
    prefixes = tf.constant([line_prefix(name) for name in names])
    lines = prefixes + as_lines(texts.values)
    vocabulary = tft.vocabulary(
        tf.boolean_mask(lines, texts.present), frequency_threshold=min_count, vocab_filename=SHARED_VOCABULARY
    )
    places = tft.apply_vocabulary(lines, vocabulary, default_value=-1)
    missing = tf.range(0, _IDS_BEFORE * len(names), _IDS_BEFORE, dtype=tf.int64)
    ids = tf.where(places < 0, missing + 1, places + _IDS_BEFORE * len(names))
    return tf.where(texts.present, ids, missing)


def count_shared_ids(columns: int, entries: int) -> int:
    """Return the number of ids of find_shared_ids."""
    return _IDS_BEFORE * columns + entries
