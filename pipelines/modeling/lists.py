"""Read texts that hold lists, such as `red|gold`, in a TensorFlow graph."""

import re

import tensorflow as tf


def holds_item(texts: tf.Tensor, item: str, separator: str) -> tf.Tensor:
    """Return whether each text, read as a list, has the item; white space around the list's items is ignored.

    Args:
        texts: string.
        item: without white space around it.
        separator: one character between the items.

    Returns:
        1 or 0, float64, in the shape of the texts.
    """
    mark = re.escape(separator)
    pattern = rf"(?s)(?:.*{mark})?\s*{re.escape(item)}\s*(?:{mark}.*)?"
    return tf.cast(tf.strings.regex_full_match(texts, pattern), tf.float64)
