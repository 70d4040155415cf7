"""A review is kept as it was said, and an edit by hand is noticed."""

import dataclasses
import re
from pathlib import Path

import pytest

from pipelines.review.review_file import Review, ReviewError, append_review, read_reviews


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "review.toml"


def test_no_file_no_reviews(path: Path) -> None:
    assert read_reviews(path) == ()


def test_what_is_appended_can_be_read_the_newest_last(path: Path, review: Review) -> None:
    second = dataclasses.replace(review, reviewer="Grace", run="20261122-080000").with_checksum()
    append_review(path, review)
    first_alone = path.read_text()
    append_review(path, second)
    assert read_reviews(path) == (review, second)
    assert path.read_text().startswith(first_alone), "what stood there stays as it was"
    assert path.read_text().startswith("# Who reviewed which code, on which run. Written by `make review`")
    assert [file.name for file in path.parent.iterdir() if file.name.startswith("review")] == ["review.toml"]


@pytest.mark.parametrize(
    "note",
    [
        'Zwei Zeilen,\nund \'ne dritte: "ja".',
        'ends with quotes """',
        "a \\ backslash\n\\n",
        "a\ttab, and [[reviews]]\nreviewer = 'x'",
        "# no comment",
    ],
)
def test_any_note_comes_back_as_it_was(path: Path, review: Review, note: str) -> None:
    said = dataclasses.replace(review, note=note).with_checksum()
    append_review(path, said)
    append_review(path, review)
    assert read_reviews(path) == (said, review)


def test_any_metric_comes_back_as_it_was(path: Path, review: Review) -> None:
    metrics = {"tiny": 1e-17, "large": 1.5e300, "third": 1 / 3, "zero": 0.0, "whole": 4993.0, "less": -0.0}
    said = dataclasses.replace(review, metrics=metrics).with_checksum()
    append_review(path, said)
    assert read_reviews(path) == (said,)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('reviewer = "Ada"', 'reviewer = "Eve"'),
        ("2026-11-21T12", "2026-11-22T12"),
        ('run = "20261121-120000"', 'run = "20261121-120001"'),
        ("Even over", "Uneven over"),
        ("0.958", "0.985"),
        (r'("preprocessing.py" = ")\w', r"\g<1>x"),
        (r'"scoping.toml" = "\w+"\n', ""),
        (r'checksum = "\w', 'checksum = "x'),
    ],
)
def test_an_edit_by_hand(path: Path, review: Review, old: str, new: str) -> None:
    append_review(path, review)
    edited, number = re.subn(old, new, path.read_text())
    assert number == 1
    path.write_text(edited)
    with pytest.raises(
        ReviewError, match=r"^.*review\.toml: reviews 1: the record of run \S+ does not match its checks"
    ):
        read_reviews(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('checksum = "', 'checksums = "', "reviews 1: unknown key 'checksums'; did you mean 'checksum'?"),
        (r'note = ".*"\n', "", "reviews 1: expected note, received no such key; add it"),
        ("0.958", '"0.958"', "reviews 1: metrics.auc: expected a number, received '0.958'"),
        (r"\[\[reviews\]\]", "[[reviews]", "expected TOML, received something else: "),
    ],
)
def test_an_edit_that_breaks_the_file(path: Path, review: Review, old: str, new: str, message: str) -> None:
    append_review(path, review)
    edited, number = re.subn(old, new, path.read_text())
    assert number == 1
    path.write_text(edited)
    with pytest.raises(ReviewError) as error:
        read_reviews(path)
    assert str(error.value).startswith(f"{path}: {message}")


def test_a_comment_and_an_empty_line_are_no_edit(path: Path, review: Review) -> None:
    append_review(path, review)
    path.write_text(path.read_text().replace("[[reviews]]", "# After the meeting.\n\n[[reviews]]"))
    assert read_reviews(path) == (review,)
    append_review(path, review)
    assert "# After the meeting.\n\n[[reviews]]" in path.read_text()


def test_nothing_is_added_to_a_file_that_was_edited(path: Path, review: Review) -> None:
    append_review(path, review)
    edited = path.read_text().replace("Ada", "Eve")
    path.write_text(edited)
    with pytest.raises(ReviewError, match="does not match its checksum"):
        append_review(path, review)
    assert path.read_text() == edited


EARLIER = """\
[[reviews]]
reviewer = "Ada"
date = "2026-11-21T12:34:56+00:00"
run = "20261121-120000"
note = "Even."
checksum = "bf648398a16d3f0635e28fd36c3c0263a23b64c74d71b87330b41e408f57a8cf"

[reviews.metrics]
auc = 0.958

[reviews.room]
"model.py" = "0a"
"""


def test_a_record_of_an_earlier_version_holds(path: Path, review: Review) -> None:
    path.write_text(EARLIER)
    (earlier,) = read_reviews(path)
    assert earlier.task_files == {"model.py": "0a"}
    append_review(path, review)
    assert path.read_text().startswith(EARLIER)
    assert read_reviews(path) == (earlier, review)
    path.write_text(EARLIER.replace('"0a"', '"0b"'))
    with pytest.raises(ReviewError, match="does not match its checksum"):
        read_reviews(path)
