"""What people say of a run afterwards."""

from pathlib import Path

import pytest

from pipelines.runs.errors import RunError
from pipelines.runs.notes import NOTES_FILE, add_note, add_tags, read_note, read_tags

EXPERIMENT = {"experiment": {"name": "night", "note": "first", "tags": ["a"]}}


def test_the_newest_note_counts_and_tags_add_up(tmp_path: Path) -> None:
    assert (read_note(tmp_path, EXPERIMENT), read_tags(tmp_path, EXPERIMENT)) == ("first", ("a",))
    add_note(tmp_path, "second")
    add_tags(tmp_path, ["b", "a"])
    add_note(tmp_path, "drei: ü\nin two lines")
    add_tags(tmp_path, ["c"])
    assert read_note(tmp_path, EXPERIMENT) == "drei: ü\nin two lines"
    assert read_tags(tmp_path, EXPERIMENT) == ("a", "b", "c")


def test_a_run_of_which_nothing_was_said(tmp_path: Path) -> None:
    assert (read_note(tmp_path, {"experiment": None}), read_tags(tmp_path, {"experiment": None})) == (None, ())


def test_nothing_to_say_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="expected a text"):
        add_note(tmp_path, " ")
    with pytest.raises(RunError, match="expected one word or more"):
        add_tags(tmp_path, [])
    assert not (tmp_path / NOTES_FILE).exists()


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    add_note(tmp_path, "fine")
    (tmp_path / NOTES_FILE).open("a").write("{half\n")
    with pytest.raises(RunError, match="damaged in line 2"):
        read_note(tmp_path, {"experiment": None})
