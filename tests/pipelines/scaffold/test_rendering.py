"""Values come back from each file's language as they went in."""

import ast
import tomllib

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipelines.scaffold.rendering import cell, docstring, python, quoted, wrapped

TEXTS = ["plain", "two words", 'a "quote"', "back\\slash", "new\nline", "tab\t", "größe €", "it's", "🚕", "{{ name }}"]


@pytest.mark.parametrize("text", TEXTS)
def test_strings(text: str) -> None:
    assert ast.literal_eval(python(text)) == text
    assert tomllib.loads(f"value = {quoted(text)}")["value"] == text
    assert text_format.Parse(f"string_domain {{ value: {quoted(text)} }}", schema_pb2.Schema()).string_domain[
        0
    ].value == [text]


@pytest.mark.parametrize("text", [*TEXTS, 'see """note', '""""', "C:\\new\\x"])
def test_docstrings(text: str) -> None:
    assert ast.literal_eval(f'"""A {docstring(text)}.\n"""') == f"A {text}.\n"


def test_tuples() -> None:
    assert ast.literal_eval(python(tuple(TEXTS))) == tuple(TEXTS)
    assert ast.literal_eval(python((0, 1))) == (0, 1)
    assert ast.literal_eval(python(("one",))) == ("one",)


def test_a_cell_stays_one() -> None:
    assert cell("a|b\nc\rd") == "a\\|b c d"


def test_long_lines_break_between_words() -> None:
    lines = wrapped("word " * 60, "- ", "  ").splitlines()
    assert max(map(len, lines)) <= 118
    assert [line[:2] for line in lines] == ["- ", "  ", "  "]
