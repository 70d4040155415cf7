"""Reads texts that are lists, such as `red|gold`, inside a TensorFlow graph."""

import re

import tensorflow as tf


def holds_item(texts: tf.Tensor, item: str, separator: str) -> tf.Tensor:
    """Whether each text, taken as a list, has the item; blanks around an item do not count.

    Args:
        texts: string.
        item: without blanks around it.
        separator: of the lists' items, one character.

    Returns:
        1 or 0, float64, in the shape of the texts.
    """
    mark = re.escape(separator)
    pattern = rf"(?s)(?:.*{mark})?\s*{re.escape(item)}\s*(?:{mark}.*)?"
    return tf.cast(tf.strings.regex_full_match(texts, pattern), tf.float64)
