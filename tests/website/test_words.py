"""The check of words, and that the tree passes it."""

import tomllib
from pathlib import Path

import pytest

from website import words

ROOT = Path(__file__).resolve().parents[2]


def test_a_banned_word_is_found_with_its_line_and_what_to_write(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("One.\nThe gate said\n> no. Upon.\n")
    assert list(words.find({"said no": "refused", "up": "down"}, page)) == [
        f"{page}:2: 'said > no' is banned; expected: refused (website/words.toml)"
    ]


def test_the_tree_has_no_banned_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert words.main() == 0, capsys.readouterr().out


def test_the_glossary_and_the_list_do_not_contradict() -> None:
    terms = (ROOT / "docs" / "reference" / "glossary.md").read_text()
    banned = [word for word in tomllib.loads(words.LIST.read_text())["banned"] if f"\n| {word} |" in terms]
    assert banned == []
