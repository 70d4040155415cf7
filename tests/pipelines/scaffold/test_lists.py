"""Which texts are lists, and what the graph finds in them."""

import pandas as pd
import pytest
import tensorflow as tf

from pipelines.modeling.lists import holds_item
from pipelines.scaffold.lists import recognise_list


@pytest.mark.parametrize(
    ("texts", "separator", "items"),
    [
        (["red|gold", "gold", "red|blue|gold", "blue|red", "blue"], "|", {"red", "gold", "blue"}),
        (["a; b", "b", "a; c", "c; b", "a", "c; a; b"], ";", {"a", "b", "c"}),
        (["Paris, France", "Lyon, France", "Rome, Italy"], None, set()),  # the second always goes with the first
        (["Smith, John", "Doe, Jane", "Bond"], None, set()),
        (["red", "blue"], None, set()),
        (["red|red", "red", "blue", "blue|red", "green|blue", "green"], None, set()),
        (["a|", "b|a", "b", "c", "c|a", "a"], None, set()),
    ],
)
def test_texts(texts: list[str], separator: str | None, items: set[str]) -> None:
    found = recognise_list(pd.Series(texts * 10), min_count=2)
    assert (found.separator if found else None, set(found.items) if found else set()) == (separator, items)


def test_many_items_are_said() -> None:
    texts = [f"i{number % 40}|i{number * 7 % 41 + 40}" for number in range(400)] + [
        f"i{number}" for number in range(40)
    ]
    found = recognise_list(pd.Series(texts), min_count=2)
    assert found
    assert found.too_many.startswith(
        "lists separated by '|', of 81 kinds of items, more than 30; give those that matter"
    )


def test_the_graph_finds_items() -> None:
    texts = tf.constant(
        [["red|gold"], ["gold"], ["dark red|gold"], ["gold | red "], ["red"], [""], ["a\nb|red"], ["redder"]]
    )
    assert holds_item(texts, "red", "|").numpy()[:, 0].tolist() == [1, 0, 0, 1, 1, 0, 1, 0]
    assert holds_item(tf.constant(["a+b (c) größe, x"]), "a+b (c) größe", ",").numpy().tolist() == [1]
