"""Missing, stale, edited by hand, valid: what is said, and what a push that demands a review is told."""

import dataclasses
from pathlib import Path

import pytest

from pipelines.review.review_file import Review, append_review, review_file
from pipelines.review.state import EDITED, MISSING, STALE, VALID, describe_file_changes, refusal, review_state
from pipelines.task_definition.task import Task
from pipelines.task_definition.task_files import task_file_digests


def recorded(task: Task, review: Review) -> None:
    append_review(review_file(task), review)


def test_missing(task: Task) -> None:
    found = review_state(task)
    assert (found.state, found.review) == (MISSING, None)
    assert found.sentence == "science review: missing, nobody has recorded one"
    assert refusal(task) == (
        "science review: missing, nobody has recorded one. This push demands a valid one; "
        "look at the run and its report, then `make review NOTE=...`, then run again"
    )


def test_valid(task: Task, review: Review) -> None:
    recorded(task, review)
    found = review_state(task)
    assert (found.state, found.review) == (VALID, review)
    assert found.sentence == "science review: valid, by Ada on 2026-11-21, of run 20261121-120000"
    assert refusal(task) is None


def test_stale(task: Task, review: Review, package: Path) -> None:
    recorded(task, review)
    (package / "preprocessing.py").write_text("def preprocessing_fn(inputs):\n    return {}\n")
    found = review_state(task)
    assert (found.state, found.review) == (STALE, review)
    assert found.sentence == "science review: stale, preprocessing.py changed since the review of run 20261121-120000"
    assert refusal(task) == (
        "science review: stale, preprocessing.py changed since the review of run 20261121-120000. "
        "This push demands a valid one; look at the run and its report, then `make review NOTE=...`, then run again"
    )


def test_the_contract_is_part_of_what_was_reviewed(task: Task, review: Review, package: Path) -> None:
    recorded(task, review)
    (package.parent / "contract.pbtxt").write_text("feature { name: 'x' }\n")
    assert review_state(task).sentence == (
        "science review: stale, contract.pbtxt changed since the review of run 20261121-120000"
    )


def test_an_edit_that_is_taken_back(task: Task, review: Review, package: Path) -> None:
    recorded(task, review)
    before = (package / "preprocessing.py").read_text()
    (package / "preprocessing.py").write_text(before + "\n# Edited.\n")
    other = dataclasses.replace(review, reviewer="Grace", task_files=task_file_digests(task)).with_checksum()
    assert review_state(task).state == STALE
    recorded(task, other)
    assert review_state(task).review == other
    (package / "preprocessing.py").write_text(before)
    assert review_state(task).review == review, "the earlier review is of these files"


def test_edited_by_hand(task: Task, review: Review, package: Path) -> None:
    stale = {name: digest for name, digest in review.task_files.items() if name != "preprocessing.py"}
    recorded(task, dataclasses.replace(review, task_files=stale).with_checksum())
    file = review_file(task)
    digest = review.task_files["preprocessing.py"]
    text = file.read_text().replace(
        "[reviews.task_files]\n", f'[reviews.task_files]\n"preprocessing.py" = "{digest}"\n'
    )
    file.write_text(text)
    found = review_state(task)
    assert (found.state, found.review) == (EDITED, None)
    assert found.sentence == (
        f"science review: edited by hand, {file}: reviews 1: the record of run 20261121-120000 "
        "does not match its checksum"
    )
    assert str(refusal(task)).endswith(
        ". This push demands a valid one; put review.toml back as version control has it, or remove that record, "
        "then run again"
    )


def test_one_edited_record_spoils_a_later_one(task: Task, review: Review) -> None:
    recorded(task, review)
    file = review_file(task)
    recorded(task, review)
    file.write_text(file.read_text().replace("Ada", "Eve", 1))
    assert review_state(task).state == EDITED


@pytest.mark.parametrize(
    ("after", "text"),
    [
        ({"a.py": "1", "b.py": "2"}, ""),
        ({"a.py": "1", "b.py": "3"}, "b.py changed"),
        ({"a.py": "2", "b.py": "3"}, "a.py, b.py changed"),
        ({"a.py": "1", "b.py": "2", "c.md": "4"}, "c.md was added"),
        ({}, "a.py, b.py were removed"),
        ({"b.py": "3", "d.py": "1", "c.md": "4"}, "b.py changed; c.md, d.py were added; a.py was removed"),
    ],
)
def test_changed_files_as_a_sentence(after: dict[str, str], text: str) -> None:
    assert describe_file_changes({"a.py": "1", "b.py": "2"}, after) == text
