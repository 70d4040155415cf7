"""Which texts are lists, and what the graph finds in them."""

import json

import pandas as pd
import pytest
import tensorflow as tf

from pipelines.modeling.lists import holds_item
from pipelines.scaffold.lists import explain_brackets, recognise_list


@pytest.mark.parametrize(
    ("texts", "separator", "items"),
    [
        (["red|gold", "gold", "red|blue|gold", "blue|red", "blue"], "|", {"red", "gold", "blue"}),
        (["a; b", "b", "a; c", "c; b", "a", "c; a; b"], ";", {"a", "b", "c"}),
        (["Paris, France", "Lyon, France", "Rome, Italy"], None, set()),  # the second always goes with the first
        (["Smith, John", "Doe, Jane", "Bond"], None, set()),
        (["red", "blue"], None, set()),
        (["red|red", "red", "blue", "blue|red", "green|blue", "green"], None, set()),
        (["red|red", *["red|gold", "gold", "red|blue|gold", "blue|red", "blue"] * 4], "|", {"red", "gold", "blue"}),
        (["a|", "b|a", "b", "c", "c||a", "a"], "|", {"a", "b", "c"}),
        (["a|", "b|", "c|"], None, set()),
    ],
)
def test_texts(texts: list[str], separator: str | None, items: set[str]) -> None:
    found = recognise_list(pd.Series(texts * 10), min_count=2)
    assert (found.separator if found else None, set(found.items) if found else set()) == (separator, items)


LISTS = [["red", "gold"], ["gold"], ["red", "blue", "gold"], ["blue", "red"], ["blue"], []]


@pytest.mark.parametrize(
    ("texts", "longest"),
    [
        ([str(items) for items in LISTS], "['red', 'blue', 'gold']"),
        ([json.dumps(items) for items in LISTS], '["red", "blue", "gold"]'),
        (["{" + ",".join(items) + "}" for items in LISTS], "{red,blue,gold}"),
        ([str(tuple(items)) for items in LISTS], "('red', 'blue', 'gold')"),
    ],
)
def test_lists_in_brackets_are_named(texts: list[str], longest: str) -> None:
    assert explain_brackets(pd.Series(texts * 10), min_count=2) == (
        f"lists in brackets, such as {longest!r}; write the items alone, with bars between, as in red|gold"
    )


@pytest.mark.parametrize(
    "texts", [["(18, 25]", "(25, 40]", "(40, 90]"], ["[a]", "[b]"], ["red|gold", "gold"], ["(a, b)", "(c, d)"]]
)
def test_brackets_alone_make_no_list(texts: list[str]) -> None:
    assert explain_brackets(pd.Series(texts * 10), min_count=2) == ""


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
